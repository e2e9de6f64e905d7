// One file per instruction set; each scores the rows [begin, end) of the matrix against all prompts.
#pragma once

#include <cstddef>

#include "framedex/spans.h"

namespace framedex {

using ScoreRows = void (*)(FloatMatrix prompts, HalfMatrix matrix, std::size_t begin, std::size_t end, float* scores);

void score_rows_portable(FloatMatrix prompts, HalfMatrix matrix, std::size_t begin, std::size_t end, float* scores);

// Only where best_simd_level() says avx2.
void score_rows_avx2(FloatMatrix prompts, HalfMatrix matrix, std::size_t begin, std::size_t end, float* scores);

}  // namespace framedex
