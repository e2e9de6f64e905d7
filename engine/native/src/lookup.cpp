#include "framedex/lookup.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "kernels.h"
#include "results.h"
#include "scratch.h"

namespace framedex {

const Kernel& kernel_of(SimdLevel level) {
    switch (level) {
        case SimdLevel::avx512:
            return kAvx512Kernel;
        case SimdLevel::avx2:
            return kAvx2Kernel;
        default:
            return kPortableKernel;
    }
}

namespace {

// Under this many products a thread costs more to start than it saves (about 50 µs of work).
constexpr std::size_t kProductsPerThread = std::size_t{1} << 20;
// Videos are cut into tasks of about this many products, so that one long video is shared by the threads.
constexpr std::size_t kProductsPerTask = std::size_t{1} << 24;
// With more than one pack of prompts so many tiles are widened together and each pack is read once for all of them.
constexpr std::size_t kTilesOfManyPacks = 4;

// Prompts in packs of kLanes; the last pack has 8 lanes where that is enough.
struct Packs {
    std::size_t prompts;
    std::size_t d;

    std::size_t count() const { return (prompts + kLanes - 1) / kLanes; }
    std::size_t size(std::size_t pack) const { return std::min(kLanes, prompts - pack * kLanes); }
    std::size_t lanes(std::size_t pack) const { return size(pack) <= 8 ? 8 : kLanes; }
    std::size_t floats() const { return count() * kLanes * d; }
    std::size_t offset(std::size_t pack) const { return pack * kLanes * d; }
};

// A thread's kernel and memory.
class Worker {
  public:
    explicit Worker(const Kernel& kernel) : kernel_(kernel) {}

    // scores[i * n + j] for all prompts and the frames begin <= j < end; n is that of the whole video.
    void score(const Lookup& lookup, std::size_t begin, std::size_t end, float* scores);

    Scratch<float> video;  // the scores of a video that nobody wants to keep

  private:
    void pack(FloatMatrix prompts);
    void widen(StoredMatrix frames, std::size_t begin, std::size_t end);
    void multiply_tile(const Lookup& lookup, std::size_t pack, std::size_t tile, std::size_t row_count);

    const Kernel& kernel_;
    Scratch<float> packed_;
    Scratch<float> rows_;  // tile × block × kTileRows × kBlock
    Scratch<float> sums_;  // kTileRows × kLanes
    FloatMatrix packed_of_{nullptr, 0, 0};
    const std::byte* ahead_ = nullptr;
    std::size_t ahead_per_block_ = 0;
};

void Worker::pack(FloatMatrix prompts) {
    if (prompts.data == packed_of_.data && prompts.rows == packed_of_.rows && prompts.cols == packed_of_.cols) {
        return;  // videos in a row often share their prompts
    }
    const Packs packs{prompts.rows, prompts.cols};
    float* packed = packed_.of(packs.floats());
    for (std::size_t pack = 0; pack < packs.count(); ++pack) {
        kernel_.pack(prompts.row(pack * kLanes), packs.size(pack), prompts.cols, packs.lanes(pack),
                     packed + packs.offset(pack));
    }
    packed_of_ = prompts;
}

void Worker::widen(StoredMatrix frames, std::size_t begin, std::size_t end) {
    const std::size_t blocks = (frames.cols + kBlock - 1) / kBlock;
    for (std::size_t j = begin; j < end; ++j) {
        const std::size_t tile = (j - begin) / kTileRows;
        const std::byte* row = frames.row(j);
        for (std::size_t block = 0; block < blocks; ++block) {
            const std::size_t depth = std::min(kBlock, frames.cols - block * kBlock);
            const std::size_t place = (tile * blocks + block) * kTileRows + (j - begin) % kTileRows;
            float* out = rows_.of(0) + place * kBlock;
            if (frames.type == Stored::float16) {
                kernel_.widen(row, depth, out);
                row += 2 * depth;
            } else {
                std::memcpy(out, row, 4 * depth);
                row += 4 * depth;
            }
        }
    }
}

void Worker::multiply_tile(const Lookup& lookup, std::size_t pack, std::size_t tile, std::size_t row_count) {
    const Packs packs{lookup.prompts.rows, lookup.prompts.cols};
    const std::size_t lanes = packs.lanes(pack);
    const std::size_t d = packs.d;
    const std::size_t blocks = std::max<std::size_t>(1, (d + kBlock - 1) / kBlock);
    for (std::size_t block = 0; block < blocks; ++block) {
        const Block part{
            .packed = packed_.of(0) + packs.offset(pack) + block * kBlock * lanes,
            .rows = rows_.of(0) + (tile * blocks + block) * kTileRows * kBlock,
            .row_count = row_count,
            .depth = std::min(kBlock, d - block * kBlock),
            .first = block == 0,
            .sums = sums_.of(0),
            .ahead = ahead_,
            .ahead_nbytes = ahead_per_block_,
        };
        (lanes == 8 ? kernel_.block_8 : kernel_.block_16)(part);
        ahead_ += ahead_per_block_;
    }
}

void Worker::score(const Lookup& lookup, std::size_t begin, std::size_t end, float* scores) {
    const std::size_t n = lookup.frames.rows;
    const Packs packs{lookup.prompts.rows, lookup.prompts.cols};
    const std::size_t blocks = std::max<std::size_t>(1, (packs.d + kBlock - 1) / kBlock);
    const std::size_t tiles = packs.count() == 1 ? 1 : kTilesOfManyPacks;
    rows_.of(tiles * blocks * kTileRows * kBlock);
    sums_.of(kTileRows * kLanes);
    pack(lookup.prompts);
    for (std::size_t j = begin; j < end; j += tiles * kTileRows) {
        const std::size_t stop = std::min(end, j + tiles * kTileRows);
        widen(lookup.frames, j, stop);
        const std::size_t next = std::min(end, stop + tiles * kTileRows);
        ahead_ = lookup.frames.row(stop);
        ahead_per_block_ = (next - stop) * lookup.frames.row_nbytes() / (tiles * blocks);
        for (std::size_t pack = 0; pack < packs.count(); ++pack) {
            for (std::size_t tile = 0; j + tile * kTileRows < stop; ++tile) {
                const std::size_t first = j + tile * kTileRows;
                const std::size_t row_count = std::min(kTileRows, stop - first);
                multiply_tile(lookup, pack, tile, row_count);
                const std::size_t lanes = packs.lanes(pack);
                const float* sums = sums_.of(0);
                for (std::size_t lane = 0; lane < packs.size(pack); ++lane) {
                    float* out = scores + (pack * kLanes + lane) * n + first;
                    for (std::size_t r = 0; r < row_count; ++r) {
                        out[r] = sums[r * lanes + lane];
                    }
                }
            }
            ahead_per_block_ = 0;  // all of it is on its way
        }
    }
}

// A video's progress where several tasks share it.
struct Video {
    std::unique_ptr<float[]> scores;    // where several tasks need them and the caller does not
    std::atomic<std::size_t> tasks{0};  // that are not done
};

struct Task {
    std::size_t video;
    std::size_t begin;
    std::size_t end;
    bool whole;
};

std::size_t products_of(const Lookup& lookup) {
    return lookup.prompts.rows * lookup.frames.rows * lookup.frames.cols;
}

std::vector<Task> tasks_of(std::span<const Lookup> lookups, std::size_t parts) {
    std::vector<Task> tasks;
    tasks.reserve(lookups.size());
    for (std::size_t video = 0; video < lookups.size(); ++video) {
        const std::size_t n = lookups[video].frames.rows;
        const std::size_t wanted = parts == 1 ? 1 : products_of(lookups[video]) / kProductsPerTask;
        const std::size_t pieces = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, n / kTileRows));
        for (std::size_t piece = 0; piece < pieces; ++piece) {
            tasks.push_back({video, n * piece / pieces, n * (piece + 1) / pieces, pieces == 1});
        }
    }
    return tasks;
}

}  // namespace

void look_up(std::span<Lookup> lookups, std::size_t k, Windows windows, int threads, SimdLevel level) {
    std::size_t products = 0;
    for (const Lookup& lookup : lookups) {
        products += products_of(lookup);
    }
    const std::size_t worth = std::max<std::size_t>(1, products / kProductsPerThread);
    const std::size_t parts = std::min(static_cast<std::size_t>(threads), worth);
    const std::vector<Task> tasks = tasks_of(lookups, parts);
    std::vector<Video> videos(lookups.size());
    for (const Task& task : tasks) {
        const Lookup& lookup = lookups[task.video];
        Video& video = videos[task.video];
        ++video.tasks;
        if (!task.whole && lookup.scores == nullptr && video.scores == nullptr) {
            video.scores = std::make_unique_for_overwrite<float[]>(lookup.prompts.rows * lookup.frames.rows);
        }
    }

    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        Worker worker(kernel_of(level));
        for (std::size_t number = next++; number < tasks.size(); number = next++) {
            const Task& task = tasks[number];
            Lookup& lookup = lookups[task.video];
            Video& video = videos[task.video];
            float* scores = lookup.scores;
            if (scores == nullptr) {
                scores = task.whole ? worker.video.of(lookup.prompts.rows * lookup.frames.rows) : video.scores.get();
            }
            worker.score(lookup, task.begin, task.end, scores);
            if (--video.tasks == 0) {  // whoever ends a video makes its results
                lookup.finite = all_finite(scores, lookup.prompts.rows * lookup.frames.rows);
                fill_results(lookup, scores, k, windows);
                video.scores.reset();
            }
        }
    };
    std::vector<std::jthread> others;  // joined when it goes out of scope
    others.reserve(parts - 1);
    for (std::size_t part = 1; part < parts; ++part) {
        others.emplace_back(work);
    }
    work();
}

}  // namespace framedex
