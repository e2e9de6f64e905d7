// Look-ups: many prompts against the frames of many videos, each video with prompts of its own, in one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "framedex/simd.h"
#include "framedex/spans.h"

namespace framedex {

// Windows of `length` frames, `stride` apart; the last one is moved back to end with the video. A video that is no longer
// than a window has one, the whole video.
struct Windows {
    std::size_t length = 1;
    std::size_t stride = 1;

    std::size_t count(std::size_t frames) const;
    std::size_t begin(std::size_t window, std::size_t frames) const;
    std::size_t end(std::size_t window, std::size_t frames) const;
};

// One video: m prompts and n frames of the same dimension, and room for what is wanted of them; null where it is not.
struct Lookup {
    FloatMatrix prompts;
    StoredMatrix frames;
    float* scores = nullptr;           // m × n
    float* top_scores = nullptr;       // m × min(k, n), best first; of equal scores the earlier frame first
    std::int64_t* top_rows = nullptr;  // the frames of top_scores; both or neither
    float* maxima = nullptr;           // m; n >= 1
    float* means = nullptr;            // m, summed in float64; n >= 1
    float* window_maxima = nullptr;    // m × windows.count(n); n >= 1
    bool finite = true;                // set: whether every score is a number
};

// Scores are inner products accumulated in float32. A score's sum runs in one fixed order, whatever the other prompts, the
// other frames, the other videos and the number of threads: the same bits in any company on one level, and the same on avx2
// and avx512. Blocks of 128 products are summed one after the other and then added up, which keeps unit vectors of up to
// 4,096 dimensions within 1e-5 of the exact sum.
//
// Where a video's scores are not all numbers, its other results are unspecified. Needs prompts.cols == frames.cols for
// each, threads >= 1, windows of length and stride >= 1.
void look_up(std::span<Lookup> lookups, std::size_t k, Windows windows, int threads, SimdLevel level);

}  // namespace framedex
