// Eight doubles at once.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_LOOP __attribute__((target("avx512f,avx512bw,avx2,popcnt,bmi")))

namespace framedex {

namespace {

constexpr std::size_t kLanes = 8;

FRAMEDEX_LOOP inline std::uint64_t bits_of_eight(const double* x, double least) {
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(least), _CMP_GE_OQ);
}

// By what is above the step below: `least` may be one more than a step can be.
FRAMEDEX_LOOP inline std::uint64_t bits_of_steps(const Step* steps, int least) {
    const __m512i below = _mm512_set1_epi16(static_cast<short>(least - 1));
    const std::uint64_t low = _mm512_cmpgt_epi16_mask(_mm512_loadu_si512(steps), below);
    const std::uint64_t high = _mm512_cmpgt_epi16_mask(_mm512_loadu_si512(steps + 32), below);
    return low | high << 32;
}

// Sixteen rows at once, those of the bits moved together.
FRAMEDEX_LOOP std::size_t write_rows(const std::uint64_t* words, std::size_t n, std::int32_t* rows) {
    const __m512i sixteen = _mm512_set1_epi32(16);
    __m512i at = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; i += 16) {
        const auto found = static_cast<__mmask16>(words[i / 64] >> i % 64);
        const auto here = static_cast<std::size_t>(__builtin_popcount(found));
        const auto filled = static_cast<__mmask16>((1u << here) - 1);
        // Stored as far as there is something: what follows belongs to others.
        _mm512_mask_storeu_epi32(rows + count, filled, _mm512_maskz_compress_epi32(found, at));
        count += here;
        at = _mm512_add_epi32(at, sixteen);
    }
    return count;
}

}  // namespace

}  // namespace framedex

#include "select_loops.inc"

namespace framedex {

const Loops kAvx512Loops = kLoops;

}  // namespace framedex

#else

namespace framedex {

const Loops kAvx512Loops{};  // best_simd_level() never names avx512 here

}  // namespace framedex

#endif
