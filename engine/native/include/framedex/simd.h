// Instruction sets that a kernel is compiled for, chosen when the program runs.
#pragma once

namespace framedex {

// In order: a processor that runs one runs those before it.
enum class SimdLevel { portable, avx2, avx512 };

// The best level that this processor and operating system run.
SimdLevel best_simd_level();

const char* simd_name(SimdLevel level);

}  // namespace framedex
