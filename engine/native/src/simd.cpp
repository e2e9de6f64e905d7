#include "framedex/simd.h"

namespace framedex {

SimdLevel best_simd_level() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        return SimdLevel::avx2;
    }
#endif
    return SimdLevel::portable;
}

const char* simd_name(SimdLevel level) {
    return level == SimdLevel::avx2 ? "avx2" : "portable";
}

}  // namespace framedex
