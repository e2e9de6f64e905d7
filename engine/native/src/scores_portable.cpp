#include <vector>

#include "framedex/half.h"
#include "kernels.h"

namespace framedex {

namespace {

constexpr std::size_t kLanes = 8;

// Eight partial sums, as the AVX2 kernel keeps them: shorter chains of rounding than one, and the compiler can use vectors.
float dot(const float* a, const float* b, std::size_t n) {
    float sums[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            sums[lane] += a[i + lane] * b[i + lane];
        }
    }
    float total = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    for (; i < n; ++i) {
        total += a[i] * b[i];
    }
    return total;
}

}  // namespace

void score_rows_portable(FloatMatrix prompts, HalfMatrix matrix, std::size_t begin, std::size_t end, float* scores) {
    std::vector<float> frame(matrix.cols);
    for (std::size_t j = begin; j < end; ++j) {
        const std::byte* halves = matrix.row(j);
        for (std::size_t k = 0; k < matrix.cols; ++k) {
            frame[k] = load_half(halves + 2 * k);
        }
        for (std::size_t i = 0; i < prompts.rows; ++i) {
            scores[i * matrix.rows + j] = dot(prompts.row(i), frame.data(), matrix.cols);
        }
    }
}

}  // namespace framedex
