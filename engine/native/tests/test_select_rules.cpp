// Every rule over ragged videos: rows increase and lie inside, keyframe rules give min(budget, n), and nothing depends on
// threads or on the level. That the rows are those of framedex.select is tested from Python.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "framedex/select.h"

namespace {

using framedex::Curves;
using framedex::Sampler;
using framedex::Selections;
using framedex::SimdLevel;
namespace rules = framedex::rules;

struct Video {
    std::size_t m, n, d;
    std::vector<float> scores;
    std::vector<double> wide;
    std::vector<float> frames;
};

const std::vector<Sampler> kKeyframes{
    rules::Uniform{},
    rules::UniformEnds{},
    rules::Random{0},
    rules::Extreme{true},
    rules::Extreme{false},
    rules::Aks{0.8, -100, 5, false},
    rules::Aks{0.2, 0.1, 30, false},
    rules::Bolt{1, false},
    rules::Bolt{2.5, false},
    rules::QFrame{0.02, 1},
    rules::Mmr{0.5},
    rules::Mmr{0},
};
const std::vector<Sampler> kSets{
    rules::Threshold{},
    rules::Threshold{0.1},
    rules::Window{true, rules::Statistic::mean, 0, 1},
    rules::Window{false, rules::Statistic::max, 7, 3},
    rules::Drop{rules::Base::random, rules::By::lowest, 29, 100, 0, 0},
    rules::Drop{rules::Base::top, rules::By::random, 1, 2, 0, 1},
    rules::Aks{0.3, -100, 5, true},
    rules::Bolt{1, true},
};

std::vector<Video> made(std::mt19937& random) {
    std::vector<Video> videos;
    for (const std::size_t n : {1u, 2u, 8u, 9u, 64u, 65u, 181u, 700u}) {
        Video video{1 + random() % 20, n, 1 + random() % 40, {}, {}, {}};
        const unsigned distinct = random() % 2 == 0 ? 3 : 1000;
        for (std::size_t i = 0; i < video.m * n; ++i) {
            video.scores.push_back(static_cast<float>(random() % distinct) / 1000);
            video.wide.push_back(video.scores.back());
        }
        for (std::size_t i = 0; i < n * video.d; ++i) {
            video.frames.push_back(static_cast<float>(random() % 1000) / 1000 - 0.5f);
        }
        videos.push_back(std::move(video));
    }
    return videos;
}

struct Asked {
    std::vector<Sampler> samplers{kKeyframes};
    std::vector<std::size_t> budgets{1, 4, 32, 64, 1000};
    std::vector<std::string> seeds{"0", "7"};
    std::vector<std::string> draws{"\"random\"", "\"qframe\""};
    std::string texts;

    Asked() { samplers.insert(samplers.end(), kSets.begin(), kSets.end()); }
    framedex::Wanted wanted() const { return {samplers, budgets, seeds, draws, texts}; }
};

// The first `keyframes` of the samplers give min(budget, n) rows.
void check_rows(const std::vector<Video>& videos, const Asked& asked, const Selections& found, std::size_t keyframes) {
    std::size_t selection = 0;
    for (const Video& video : videos) {
        for (std::size_t prompt = 0; prompt < video.m; ++prompt) {
            for (std::size_t s = 0; s < asked.samplers.size(); ++s) {
                for (std::size_t i = 0; i < asked.budgets.size() * asked.seeds.size(); ++i, ++selection) {
                    const std::int32_t* rows = found.rows.get() + found.offsets[selection];
                    const auto count = static_cast<std::size_t>(found.offsets[selection + 1] - found.offsets[selection]);
                    CHECK(s >= keyframes || count == std::min(asked.budgets[i / asked.seeds.size()], video.n));
                    for (std::size_t k = 0; k < count; ++k) {
                        CHECK(rows[k] > (k == 0 ? -1 : rows[k - 1]) && rows[k] < static_cast<std::int32_t>(video.n));
                    }
                }
            }
        }
    }
    CHECK(selection == found.count && found.offsets[selection] == static_cast<std::int64_t>(found.rows_count));
}

bool same(const Selections& a, const Selections& b) {
    return a.count == b.count && std::equal(a.offsets.get(), a.offsets.get() + a.count + 1, b.offsets.get()) &&
           std::equal(a.rows.get(), a.rows.get() + a.rows_count, b.rows.get());
}

// Uniform and uniform-ends alone, which are copied from prompt to prompt, against the first two of all samplers.
void check_even(const Asked& asked, const Selections& alone, std::size_t prompts, const Selections& all,
                std::size_t samplers) {
    const std::size_t each = asked.budgets.size() * asked.seeds.size();
    CHECK(alone.count == prompts * 2 * each);
    for (std::size_t i = 0; i < alone.count; ++i) {
        const std::size_t other = i / (2 * each) * samplers * each + i % (2 * each);
        const std::int64_t* ends = alone.offsets.get() + i;
        const std::int64_t* other_ends = all.offsets.get() + other;
        CHECK(std::equal(alone.rows.get() + ends[0], alone.rows.get() + ends[1], all.rows.get() + other_ends[0],
                         all.rows.get() + other_ends[1]));
    }
}

}  // namespace

int main() {
    std::mt19937 random(3);
    std::vector<Video> videos = made(random);
    Asked asked;
    std::vector<std::int64_t> ends{0};
    std::vector<Curves> curves(videos.size());
    std::size_t prompts = 0;
    for (const Video& video : videos) {
        for (std::size_t prompt = 0; prompt < video.m; ++prompt) {
            asked.texts += "\"v\",\"q" + std::to_string(prompts + prompt) + "\",\"\"";
            ends.push_back(static_cast<std::int64_t>(asked.texts.size()));
        }
        prompts += video.m;
    }
    prompts = 0;
    for (std::size_t i = 0; i < videos.size(); ++i) {
        const Video& video = videos[i];
        curves[i].prompts = video.m;
        curves[i].frames = video.n;
        curves[i].scores = video.scores.data();
        curves[i].embeddings = {reinterpret_cast<const std::byte*>(video.frames.data()), video.n, video.d,
                                framedex::Stored::float32};
        curves[i].text_ends = ends.data() + prompts;
        prompts += video.m;
    }
    const SimdLevel best = framedex::best_simd_level();
    const Selections found = framedex::select_many(curves, asked.wanted(), 1, best);
    CHECK(found.wrong_curve == -1 && found.wrong_video == -1);
    check_rows(videos, asked, found, kKeyframes.size());
    CHECK(same(found, framedex::select_many(curves, asked.wanted(), 4, best)));
    for (std::size_t i = 0; i < videos.size(); ++i) {
        curves[i].scores = videos[i].wide.data();
        curves[i].wide = true;
    }
    CHECK(same(found, framedex::select_many(curves, asked.wanted(), 3, best)));

    std::erase_if(asked.samplers, [](const Sampler& sampler) { return framedex::reads_embeddings(sampler); });
    const Selections portable = framedex::select_many(curves, asked.wanted(), 1, SimdLevel::portable);
    for (const SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512}) {
        CHECK(level > best || same(portable, framedex::select_many(curves, asked.wanted(), 2, level)));
    }

    asked.samplers = {rules::Uniform{}, rules::UniformEnds{}};
    check_even(asked, framedex::select_many(curves, asked.wanted(), 2, best), prompts, portable,
               kKeyframes.size() + kSets.size() - 2);

    std::vector<std::vector<double>> largest;  // whose sums are beyond the largest double
    for (std::size_t i = 0; i < videos.size(); ++i) {
        std::vector<double>& curve = largest.emplace_back(videos[i].wide);
        std::transform(curve.begin(), curve.end(), curve.begin(),
                       [](double score) { return score < 0.5 ? 1.7e308 : 1.6e308; });
        curves[i].scores = curve.data();
    }
    asked.samplers = kSets;
    const Selections of_largest = framedex::select_many(curves, asked.wanted(), 2, best);
    check_rows(videos, asked, of_largest, 0);
    CHECK(same(of_largest, framedex::select_many(curves, asked.wanted(), 2, SimdLevel::portable)));
    for (std::size_t i = 0; i < videos.size(); ++i) {
        curves[i].scores = videos[i].wide.data();
    }

    videos[3].wide[5] = std::nan("");
    const auto before = static_cast<std::int64_t>(videos[0].m + videos[1].m + videos[2].m);
    CHECK(framedex::select_many(curves, asked.wanted(), 2, best).wrong_curve == before);
    videos[3].wide[5] = 0;
    asked.samplers = {rules::Mmr{0.5}};
    videos[5].frames[70] = std::numeric_limits<float>::infinity();
    CHECK(framedex::select_many(curves, asked.wanted(), 2, best).wrong_video == 5);
    return 0;
}
