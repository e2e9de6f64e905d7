// Eight doubles at once.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FRAMEDEX_LOOP __attribute__((target("avx512f")))

namespace framedex {

namespace {

constexpr std::size_t kLanes = 8;

FRAMEDEX_LOOP inline std::uint64_t bits_of_eight(const double* x, double least) {
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(least), _CMP_GE_OQ);
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
