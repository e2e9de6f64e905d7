#include "framedex/simd.h"

namespace framedex {

SimdLevel best_simd_level() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        // Selections compare whole numbers of 16 bits, too; of processors with AVX-512 only Xeon Phi cannot.
        const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
        return wide ? SimdLevel::avx512 : SimdLevel::avx2;
    }
#endif
    return SimdLevel::portable;
}

const char* simd_name(SimdLevel level) {
    switch (level) {
        case SimdLevel::avx512:
            return "avx512";
        case SimdLevel::avx2:
            return "avx2";
        default:
            return "portable";
    }
}

}  // namespace framedex
