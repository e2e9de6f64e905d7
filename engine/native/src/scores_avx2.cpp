// AVX2 + FMA + F16C. The instruction sets are named function by function, not by a flag for the file: a flag would also
// reach inline functions of headers, which the linker may then share with code that runs on older processors.
#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace framedex {

namespace {

FRAMEDEX_AVX2 inline __m256 load_8_halves(const std::byte* address) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(address)));
}

FRAMEDEX_AVX2 inline float load_1_half(const std::byte* address) {
    unsigned short half;
    __builtin_memcpy(&half, address, sizeof half);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

FRAMEDEX_AVX2 inline float sum_of_lanes(__m256 v) {
    const __m128 quads = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 pairs = _mm_add_ps(quads, _mm_movehl_ps(quads, quads));
    return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)));
}

// P prompts × F frames at once: each half is converted once for P prompts, each prompt is loaded once for F frames. Every
// pair has one accumulator of its own, so its sum does not depend on the tile that it falls into.
template <int P, int F>
FRAMEDEX_AVX2 void score_tile(FloatMatrix prompts, std::size_t i, HalfMatrix matrix, std::size_t j, float* scores) {
    const std::size_t d = matrix.cols;
    const std::size_t whole = d - d % 8;
    __m256 sums[P][F];
    for (int p = 0; p < P; ++p) {
        for (int f = 0; f < F; ++f) {
            sums[p][f] = _mm256_setzero_ps();
        }
    }
    for (std::size_t k = 0; k < whole; k += 8) {
        __m256 frames[F];
        for (int f = 0; f < F; ++f) {
            frames[f] = load_8_halves(matrix.row(j + f) + 2 * k);
        }
        for (int p = 0; p < P; ++p) {
            const __m256 prompt = _mm256_loadu_ps(prompts.row(i + p) + k);
            for (int f = 0; f < F; ++f) {
                sums[p][f] = _mm256_fmadd_ps(prompt, frames[f], sums[p][f]);
            }
        }
    }
    for (int p = 0; p < P; ++p) {
        for (int f = 0; f < F; ++f) {
            float total = sum_of_lanes(sums[p][f]);
            for (std::size_t k = whole; k < d; ++k) {
                total = __builtin_fmaf(prompts.row(i + p)[k], load_1_half(matrix.row(j + f) + 2 * k), total);
            }
            scores[(i + p) * matrix.rows + (j + f)] = total;
        }
    }
}

template <int F>
FRAMEDEX_AVX2 void score_frames(FloatMatrix prompts, HalfMatrix matrix, std::size_t j, float* scores) {
    std::size_t i = 0;
    for (; i + 2 <= prompts.rows; i += 2) {
        score_tile<2, F>(prompts, i, matrix, j, scores);
    }
    for (; i < prompts.rows; ++i) {
        score_tile<1, F>(prompts, i, matrix, j, scores);
    }
}

}  // namespace

FRAMEDEX_AVX2 void score_rows_avx2(FloatMatrix prompts, HalfMatrix matrix, std::size_t begin, std::size_t end,
                                   float* scores) {
    std::size_t j = begin;
    for (; j + 4 <= end; j += 4) {
        score_frames<4>(prompts, matrix, j, scores);
    }
    for (; j < end; ++j) {
        score_frames<1>(prompts, matrix, j, scores);
    }
}

}  // namespace framedex

#else

#include <cstdlib>

namespace framedex {

// best_simd_level() never names avx2 here.
void score_rows_avx2(FloatMatrix, HalfMatrix, std::size_t, std::size_t, float*) {
    std::abort();
}

}  // namespace framedex

#endif
