// Each kernel against sums in double, over shapes that leave every remainder, at an odd address, over several threads, and
// in a batch of videos with prompts of their own.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "framedex/half.h"
#include "framedex/lookup.h"

namespace {

using framedex::Lookup;
using framedex::SimdLevel;
using framedex::Stored;

// Halves of magnitude below 2^-4 (biased exponent up to 10, denormals among them): sums of a thousand products stay near
// one.
std::uint16_t small_half(std::mt19937& random) {
    return static_cast<std::uint16_t>((random() & 0x8000u) | (random() % (11u << 10)));
}

// A video's prompts and frames, the frames beginning at byte 1 of their file.
struct Video {
    std::vector<float> prompts;
    std::vector<std::byte> file;
    std::size_t m, n, d;
    Stored type;
    std::vector<float> scores;

    Video(std::size_t m_, std::size_t n_, std::size_t d_, Stored type_, std::mt19937& random)
        : prompts(m_ * d_), m(m_), n(n_), d(d_), type(type_), scores(m_ * n_, -1.0f) {
        for (float& value : prompts) {
            value = std::uniform_real_distribution<float>(-0.1f, 0.1f)(random);
        }
        const std::size_t size = type == Stored::float16 ? 2 : 4;
        file.resize(1 + size * n * d);
        for (std::size_t i = 0; i < n * d; ++i) {
            const std::uint16_t half = small_half(random);
            const float single = framedex::half_to_float(half);
            std::memcpy(file.data() + 1 + size * i, size == 2 ? static_cast<const void*>(&half) : &single, size);
        }
    }

    Lookup lookup() {
        Lookup made;
        made.prompts = {prompts.data(), m, d};
        made.frames = {file.data() + 1, n, d, type};
        made.scores = scores.data();
        return made;
    }

    double stored(std::size_t j, std::size_t k) const {
        if (type == Stored::float16) {
            return framedex::load_half(file.data() + 1 + 2 * (j * d + k));
        }
        float value;
        std::memcpy(&value, file.data() + 1 + 4 * (j * d + k), 4);
        return value;
    }

    void check_sums() const {
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                double expected = 0.0;
                for (std::size_t k = 0; k < d; ++k) {
                    expected += static_cast<double>(prompts[i * d + k]) * stored(j, k);
                }
                CHECK(std::abs(scores[i * n + j] - expected) < 1e-5);
            }
        }
    }
};

void check_one(Video& video, SimdLevel level) {
    Lookup lookup = video.lookup();
    framedex::look_up({&lookup, 1}, 0, {}, 3, level);
    CHECK(lookup.finite);
    video.check_sums();
    const std::vector<float> shared = video.scores;
    framedex::look_up({&lookup, 1}, 0, {}, 1, level);
    CHECK(video.scores == shared);
}

void check_batch(SimdLevel level, std::mt19937& random) {
    std::vector<Video> videos;
    for (std::size_t i = 0; i < 60; ++i) {
        const Stored type = i % 3 == 0 ? Stored::float32 : Stored::float16;
        videos.emplace_back(random() % 40, random() % 50, 1 + random() % 300, type, random);
    }
    videos.emplace_back(3, 30011, 257, Stored::float16, random);  // long enough to be cut into tasks
    std::vector<Lookup> lookups;
    for (Video& video : videos) {
        lookups.push_back(video.lookup());
    }
    framedex::look_up(lookups, 0, {}, 4, level);
    for (Video& video : videos) {
        video.check_sums();
        const std::vector<float> together = video.scores;
        Lookup alone = video.lookup();
        framedex::look_up({&alone, 1}, 0, {}, 1, level);
        CHECK(video.scores == together);
    }
}

// Scores that nobody keeps lead to the same results as those that are kept, cut into tasks or not.
void check_unkept(SimdLevel level, std::mt19937& random) {
    for (const std::size_t n : {1u, 40u, 30011u}) {
        Video video(3, n, 257, Stored::float16, random);
        const std::size_t k = 5;
        const std::size_t kept = std::min(k, n);
        std::vector<float> top[2];
        std::vector<std::int64_t> rows[2];
        std::vector<float> maxima[2];
        for (const int with : {0, 1}) {
            top[with].resize(3 * kept);
            rows[with].resize(3 * kept);
            maxima[with].resize(3);
            Lookup lookup = video.lookup();
            lookup.scores = with ? lookup.scores : nullptr;
            lookup.top_scores = top[with].data();
            lookup.top_rows = rows[with].data();
            lookup.maxima = maxima[with].data();
            framedex::look_up({&lookup, 1}, k, {}, with ? 1 : 4, level);
        }
        CHECK(top[0] == top[1]);
        CHECK(rows[0] == rows[1]);
        CHECK(maxima[0] == maxima[1]);
        CHECK(maxima[0][2] == top[0][2 * kept]);
        CHECK(video.scores[2 * n + static_cast<std::size_t>(rows[0][2 * kept])] == maxima[0][2]);
    }
}

void check_not_a_number(SimdLevel level, std::mt19937& random) {
    Video video(2, 20, 30, Stored::float16, random);
    const std::uint16_t nan = 0x7e00;
    std::memcpy(video.file.data() + 1 + 2 * (7 * 30 + 29), &nan, 2);
    Lookup lookup = video.lookup();
    framedex::look_up({&lookup, 1}, 0, {}, 1, level);
    CHECK(!lookup.finite);
    CHECK(std::isnan(video.scores[7]) && std::isfinite(video.scores[6]) && std::isfinite(video.scores[8]));
}

// The same order of sums gives the same bits.
void check_equal_bits(SimdLevel a, SimdLevel b, std::mt19937& random) {
    for (const std::size_t m : {1u, 8u, 16u, 27u}) {
        Video video(m, 53, 771, Stored::float16, random);
        Lookup lookup = video.lookup();
        framedex::look_up({&lookup, 1}, 0, {}, 1, a);
        const std::vector<float> first = video.scores;
        framedex::look_up({&lookup, 1}, 0, {}, 1, b);
        CHECK(video.scores == first);
    }
}

}  // namespace

int main() {
    std::mt19937 random(20240501);
    framedex::look_up({}, 3, {}, 2, framedex::best_simd_level());
    for (const SimdLevel level : {SimdLevel::portable, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level > framedex::best_simd_level()) {
            std::printf("%s: not run by this processor\n", framedex::simd_name(level));
            continue;
        }
        for (const std::size_t m : {0u, 1u, 7u, 8u, 9u, 16u, 17u, 33u}) {
            for (const std::size_t n : {0u, 1u, 3u, 11u, 12u, 13u, 24u, 61u}) {
                for (const std::size_t d : {0u, 1u, 7u, 8u, 9u, 127u, 128u, 129u, 300u}) {
                    Video video(m, n, d, Stored::float16, random);
                    check_one(video, level);
                }
            }
        }
        check_batch(level, random);
        check_unkept(level, random);
        check_not_a_number(level, random);
    }
    if (framedex::best_simd_level() == SimdLevel::avx512) {
        check_equal_bits(SimdLevel::avx2, SimdLevel::avx512, random);
    }
    return 0;
}
