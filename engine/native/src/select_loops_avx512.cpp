// Eight doubles at once.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_LOOP __attribute__((target("avx512f,avx2,popcnt,bmi")))

namespace framedex {

namespace {

constexpr std::size_t kLanes = 8;

FRAMEDEX_LOOP inline std::uint64_t bits_of_eight(const double* x, double least) {
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(least), _CMP_GE_OQ);
}

// Half of the bits of 64 steps; least is above kNoStep.
FRAMEDEX_LOOP inline std::uint64_t bits_of_half(const Step* steps, __m256i below) {
    const auto* from = reinterpret_cast<const __m256i*>(steps);
    const __m256i low = _mm256_cmpgt_epi16(_mm256_loadu_si256(from), below);
    const __m256i high = _mm256_cmpgt_epi16(_mm256_loadu_si256(from + 1), below);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);  // packed by halves
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

FRAMEDEX_LOOP inline std::uint64_t bits_of_steps(const Step* steps, int least) {
    const __m256i below = _mm256_set1_epi16(static_cast<short>(least - 1));
    return bits_of_half(steps, below) | bits_of_half(steps + 32, below) << 32;
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
