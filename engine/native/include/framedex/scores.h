// Inner products of prompts with the frames of one index.
#pragma once

#include <cstddef>

#include "framedex/simd.h"
#include "framedex/spans.h"

namespace framedex {

// scores[i * matrix.rows + j] = <prompts row i, matrix row j>, accumulated in float32.
//
// A score's sum runs in one fixed order: it is the same bit for bit whatever the other prompts, the other rows and the
// number of threads. Needs prompts.cols == matrix.cols, threads >= 1 and room for prompts.rows * matrix.rows scores.
void scores_f16(FloatMatrix prompts, HalfMatrix matrix, float* scores, int threads, SimdLevel level);

}  // namespace framedex
