// Four doubles at once; see kernel_avx2.cpp for why functions, not the file, name the instruction set.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_LOOP __attribute__((target("avx2,popcnt,bmi")))

namespace framedex {

namespace {

constexpr std::size_t kLanes = 4;

FRAMEDEX_LOOP inline std::uint64_t bits_of_eight(const double* x, double least) {
    const __m256d bound = _mm256_set1_pd(least);
    const int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x), bound, _CMP_GE_OQ));
    const int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x + 4), bound, _CMP_GE_OQ));
    return static_cast<std::uint64_t>(low | high << 4);
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

FRAMEDEX_LOOP inline std::size_t write_rows(const std::uint64_t* words, std::size_t n, std::int32_t* rows) {
    std::size_t count = 0;
    for (std::size_t i = 0; 64 * i < n; ++i) {
        for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
            rows[count++] = static_cast<std::int32_t>(64 * i) + __builtin_ctzll(word);
        }
    }
    return count;
}

}  // namespace

}  // namespace framedex

#include "select_loops.inc"

namespace framedex {

const Loops kAvx2Loops = kLoops;

}  // namespace framedex

#else

namespace framedex {

const Loops kAvx2Loops{};  // best_simd_level() never names avx2 here

}  // namespace framedex

#endif
