// Four doubles at once; see kernel_avx2.cpp for why functions, not the file, name the instruction set.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_LOOP __attribute__((target("avx2")))

namespace framedex {

namespace {

constexpr std::size_t kLanes = 4;

FRAMEDEX_LOOP inline std::uint64_t bits_of_eight(const double* x, double least) {
    const __m256d bound = _mm256_set1_pd(least);
    const int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x), bound, _CMP_GE_OQ));
    const int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x + 4), bound, _CMP_GE_OQ));
    return static_cast<std::uint64_t>(low | high << 4);
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
