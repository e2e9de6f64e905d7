#include "framedex/select.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <unordered_map>

#include "select_curve.h"
#include "select_mmr.h"

namespace framedex {

namespace {

template <typename... Each>
struct Overloaded : Each... {
    using Each::operator()...;
};

// Curves of one video that are worked on together: they share what is made of its frames. Fewer where videos are few.
constexpr std::size_t kPromptsPerTask = 64;
constexpr std::size_t kPromptsOfFewVideos = 16;
constexpr std::size_t kManyVideos = 16;
// Below so many frames looked at a thread costs more to start than it saves; a selection that looks at none costs as much
// as some.
constexpr std::size_t kWorkPerThread = std::size_t{1} << 18;
constexpr std::size_t kWorkOfPlaces = 8;

const Loops& loops_of(SimdLevel level) {
    switch (level) {
        case SimdLevel::avx512:
            return kAvx512Loops;
        case SimdLevel::avx2:
            return kAvx2Loops;
        default:
            return kPortableLoops;
    }
}

// The most rows that a selection can have.
std::size_t room_of(const Sampler& sampler, std::size_t n, std::size_t budget) {
    const std::size_t take = std::min(budget, n);
    if (const auto* window = std::get_if<rules::Window>(&sampler)) {
        return window->length == 0 ? take : std::min(window->length, n);
    }
    if (const auto* drop = std::get_if<rules::Drop>(&sampler)) {
        return kept_by(*drop, take);
    }
    return take;
}

// Whether all prompts of a video have the same rows.
bool is_even(const Sampler& sampler) {
    return std::holds_alternative<rules::Uniform>(sampler) || std::holds_alternative<rules::UniformEnds>(sampler);
}

// Copies what `size` numbers from `first` on are to where the following ones go, until there are `times` of each.
template <typename T>
void repeat(T* first, std::size_t size, std::size_t times) {
    for (std::size_t done = size; done < times * size;) {
        const std::size_t more = std::min(done, times * size - done);
        std::memcpy(first + done, first, more * sizeof *first);
        done += more;
    }
}

// Some of a video's prompts, and where their rows and offsets go.
struct Task {
    std::size_t video;
    std::size_t begin;
    std::size_t end;
    std::size_t selections;  // before it
    std::size_t rows;        // room before it
    std::size_t used = 0;    // of its room
    std::int64_t wrong_curve = -1;
    bool wrong_vectors = false;
};

class Worker {
  public:
    Worker(const Wanted& wanted, SimdLevel level)
        : wanted_(wanted),
          loops_(loops_of(level)),
          even_(std::all_of(wanted.samplers.begin(), wanted.samplers.end(), is_even)),
          curve_(loops_, wanted),
          searches_(loops_, level) {
        for (const Sampler& sampler : wanted.samplers) {
            if (const auto* mmr = std::get_if<rules::Mmr>(&sampler)) {
                shares_.push_back(mmr->share);
            }
        }
    }

    // Writes the task's rows, and the length of each selection to where the offset of its end will be.
    void run(const Curves& video, Task& task, std::int32_t* rows, std::int64_t* lengths) {
        const std::size_t stride = padded(video.frames) + kReadBeyond;
        const std::size_t count = task.end - task.begin;
        double* scores = scores_.of(count * stride);
        for (std::size_t i = 0; i < count; ++i) {
            if (video.scores != nullptr && !load(video, task.begin + i, scores + i * stride)) {
                task.wrong_curve = static_cast<std::int64_t>(task.begin + i);
                return;
            }
        }
        if (!shares_.empty()) {
            std::size_t most = 1;
            for (const std::size_t budget : wanted_.budgets) {
                most = budget < video.frames ? std::max(most, budget) : most;
            }
            task.wrong_vectors = !searches_.run(video.embeddings, scores, count, stride, shares_, most);
            if (task.wrong_vectors) {
                return;
            }
        }
        rooms_.clear();
        for (const Sampler& sampler : wanted_.samplers) {
            for (const std::size_t budget : wanted_.budgets) {
                rooms_.push_back(room_of(sampler, video.frames, budget));
            }
        }
        const std::size_t per_prompt = wanted_.samplers.size() * cell_count();
        std::int32_t* end = rows;
        for (std::size_t i = 0; i < (even_ ? 1 : count); ++i) {
            const auto text_begin = static_cast<std::size_t>(video.text_ends[task.begin + i]);
            const auto text_end = static_cast<std::size_t>(video.text_ends[task.begin + i + 1]);
            curve_.begin(video.scores == nullptr ? nullptr : scores + i * stride, video.frames,
                         wanted_.texts.substr(text_begin, text_end - text_begin));
            end = choose_all(i, end, lengths + i * per_prompt);
        }
        task.used = static_cast<std::size_t>(end - rows);
        if (even_) {
            repeat(rows, task.used, count);
            repeat(lengths, per_prompt, count);
            task.used *= count;
        }
    }

  private:
    std::size_t cell_count() const { return wanted_.budgets.size() * wanted_.seeds.size(); }

    bool load(const Curves& video, std::size_t prompt, double* to) {
        const std::size_t n = video.frames;
        const bool good = video.wide ? loops_.load_double(static_cast<const double*>(video.scores) + prompt * n, n, to)
                                     : loops_.load_float(static_cast<const float*>(video.scores) + prompt * n, n, to);
        std::fill(to + padded(n), to + padded(n) + kReadBeyond, 0.0);
        return good;
    }

    // Every selection of the task's i-th curve; returns where their rows end.
    std::int32_t* choose_all(std::size_t i, std::int32_t* rows, std::int64_t* lengths) {
        const std::size_t seeds = wanted_.seeds.size();
        cells_.resize(cell_count());
        std::size_t share = 0;
        const std::size_t* rooms = rooms_.data();
        for (const Sampler& sampler : wanted_.samplers) {
            std::int32_t* room = rows;
            for (auto cell = cells_.begin(); cell != cells_.end(); ++rooms) {
                for (std::size_t seed = 0; seed < seeds; ++seed, ++cell) {
                    *cell = {room, 0};
                    room += *rooms;
                }
            }
            std::visit(Overloaded{
                           [&](const rules::Mmr&) { choose(searches_.taken(i, share++), curve_, cells_); },
                           [&](const auto& rule) { choose(rule, curve_, cells_); },
                       },
                       sampler);
            for (const Cell& cell : cells_) {
                if (cell.rows != rows) {  // one before it did not use its room
                    std::memmove(rows, cell.rows, cell.count * sizeof *rows);
                }
                rows += cell.count;
                *lengths++ = static_cast<std::int64_t>(cell.count);
            }
        }
        return rows;
    }

    const Wanted& wanted_;
    const Loops& loops_;
    const bool even_;  // whether all samplers are
    Curve curve_;
    Searches searches_;
    std::vector<double> shares_;
    Scratch<double> scores_;
    std::vector<Cell> cells_;
    std::vector<std::size_t> rooms_;  // of every sampler and budget
};

std::vector<Task> tasks_of(std::span<const Curves> videos, const Wanted& wanted) {
    const std::size_t per_prompt = wanted.samplers.size() * wanted.budgets.size() * wanted.seeds.size();
    std::unordered_map<std::size_t, std::size_t> rooms;  // of one prompt, by number of frames
    std::vector<Task> tasks;
    tasks.reserve(videos.size());
    const std::size_t together = videos.size() < kManyVideos ? kPromptsOfFewVideos : kPromptsPerTask;
    std::size_t selections = 0;
    std::size_t rows = 0;
    for (std::size_t video = 0; video < videos.size(); ++video) {
        const auto [found, fresh] = rooms.try_emplace(videos[video].frames, 0);
        if (fresh) {
            for (const Sampler& sampler : wanted.samplers) {
                for (const std::size_t budget : wanted.budgets) {
                    found->second += wanted.seeds.size() * room_of(sampler, videos[video].frames, budget);
                }
            }
        }
        for (std::size_t begin = 0; begin < videos[video].prompts; begin += together) {
            const std::size_t end = std::min(begin + together, videos[video].prompts);
            tasks.push_back({.video = video, .begin = begin, .end = end, .selections = selections, .rows = rows});
            selections += (end - begin) * per_prompt;
            rows += (end - begin) * found->second;
        }
    }
    tasks.push_back({.video = videos.size(), .begin = 0, .end = 0, .selections = selections, .rows = rows});
    return tasks;
}

}  // namespace

void append_json_text(std::string_view text, std::string& to) {
    constexpr std::string_view digits = "0123456789abcdef";
    constexpr std::string_view named = "\bb\ff\nn\rr\tt\"\"\\\\";  // a character, and what stands for it behind a backslash
    to += '"';
    for (const char character : text) {
        const auto code = static_cast<unsigned char>(character);
        if (code >= 0x20 && character != '"' && character != '\\') {
            to += character;
            continue;
        }
        to += '\\';
        std::size_t at = 0;
        while (at < named.size() && named[at] != character) {
            at += 2;
        }
        if (at < named.size()) {
            to += named[at + 1];
        } else {
            to.append("u00").append(1, digits[code >> 4]).append(1, digits[code & 15]);
        }
    }
    to += '"';
}

bool reads_scores(const Sampler& sampler) {
    return std::visit(Overloaded{
                          [](const rules::Uniform&) { return false; },
                          [](const rules::UniformEnds&) { return false; },
                          [](const rules::Random&) { return false; },
                          [](const rules::Drop& drop) {
                              return drop.by != rules::By::random || drop.base == rules::Base::top ||
                                     drop.base == rules::Base::bottom;
                          },
                          [](const auto&) { return true; },
                      },
                      sampler);
}

bool reads_embeddings(const Sampler& sampler) {
    return std::holds_alternative<rules::Mmr>(sampler);
}

Selections select_many(std::span<const Curves> videos, const Wanted& wanted, int threads, SimdLevel level) {
    std::vector<Task> tasks = tasks_of(videos, wanted);
    const std::size_t count = tasks.back().selections;
    Selections result;
    result.count = count;
    result.rows = std::make_unique_for_overwrite<std::int32_t[]>(tasks.back().rows);
    result.offsets = std::make_unique_for_overwrite<std::int64_t[]>(count + 1);
    tasks.pop_back();

    std::size_t looking = 0;
    for (const Sampler& sampler : wanted.samplers) {
        looking += !is_even(sampler);
    }
    std::size_t work = 0;
    for (const Task& task : tasks) {
        const std::size_t per_choice = looking * videos[task.video].frames + wanted.samplers.size() * kWorkOfPlaces;
        work += (task.end - task.begin) * per_choice * wanted.budgets.size() * wanted.seeds.size();
    }
    const std::size_t worth = std::max<std::size_t>(1, work / kWorkPerThread);
    const std::size_t parts = std::min(static_cast<std::size_t>(threads), worth);
    std::atomic<std::size_t> next{0};
    const auto run = [&] {
        Worker worker(wanted, level);
        for (std::size_t number = next++; number < tasks.size(); number = next++) {
            Task& task = tasks[number];
            worker.run(videos[task.video], task, result.rows.get() + task.rows, result.offsets.get() + 1 + task.selections);
        }
    };
    std::vector<std::jthread> others;
    others.reserve(parts - 1);
    for (std::size_t part = 1; part < parts; ++part) {
        others.emplace_back(run);
    }
    run();
    others.clear();

    std::int64_t curves_before = 0;
    std::size_t video = 0;
    for (const Task& task : tasks) {
        for (; video < task.video; ++video) {
            curves_before += static_cast<std::int64_t>(videos[video].prompts);
        }
        if (task.wrong_curve >= 0 && result.wrong_curve < 0) {
            result.wrong_curve = curves_before + task.wrong_curve;
        }
        if (task.wrong_vectors && result.wrong_video < 0) {
            result.wrong_video = static_cast<std::int64_t>(task.video);
        }
    }
    if (result.wrong_curve >= 0 || result.wrong_video >= 0) {
        return result;
    }
    for (const Task& task : tasks) {  // rooms that were not used up are closed
        std::int32_t* to = result.rows.get() + result.rows_count;
        if (result.rows_count != task.rows) {
            std::memmove(to, result.rows.get() + task.rows, task.used * sizeof *to);
        }
        result.rows_count += task.used;
    }
    result.offsets[0] = 0;
    for (std::size_t i = 0; i < count; ++i) {
        result.offsets[i + 1] += result.offsets[i];
    }
    return result;
}

}  // namespace framedex
