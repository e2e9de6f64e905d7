// Each kernel against sums in double, over shapes that leave every remainder, at an odd address and over several threads.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "framedex/half.h"
#include "framedex/scores.h"

namespace {

using framedex::FloatMatrix;
using framedex::HalfMatrix;
using framedex::SimdLevel;

// Halves of magnitude below 2^-4 (biased exponent up to 10, denormals among them): sums of a thousand products stay near
// one.
std::uint16_t small_half(std::mt19937& random) {
    return static_cast<std::uint16_t>((random() & 0x8000u) | (random() % (11u << 10)));
}

void check_shape(std::size_t m, std::size_t n, std::size_t d, SimdLevel level, std::mt19937& random) {
    std::vector<float> prompts(m * d);
    for (float& value : prompts) {
        value = std::uniform_real_distribution<float>(-0.1f, 0.1f)(random);
    }
    std::vector<std::byte> file(1 + 2 * n * d);  // the matrix begins at byte 1
    for (std::size_t i = 0; i < n * d; ++i) {
        const std::uint16_t half = small_half(random);
        std::memcpy(file.data() + 1 + 2 * i, &half, 2);
    }
    const FloatMatrix rows{prompts.data(), m, d};
    const HalfMatrix matrix{file.data() + 1, n, d};
    std::vector<float> alone(m * n, -1.0f);
    std::vector<float> shared(m * n, -2.0f);
    framedex::scores_f16(rows, matrix, alone.data(), 1, level);
    framedex::scores_f16(rows, matrix, shared.data(), 3, level);
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            double expected = 0.0;
            for (std::size_t k = 0; k < d; ++k) {
                expected += static_cast<double>(rows.row(i)[k]) * framedex::load_half(matrix.row(j) + 2 * k);
            }
            CHECK(std::abs(alone[i * n + j] - expected) < 1e-5);
            CHECK(alone[i * n + j] == shared[i * n + j]);
        }
    }
}

}  // namespace

int main() {
    std::mt19937 random(20240501);
    std::vector<SimdLevel> levels{SimdLevel::portable};
    if (framedex::best_simd_level() == SimdLevel::avx2) {
        levels.push_back(SimdLevel::avx2);
    }
    for (const SimdLevel level : levels) {
        for (const std::size_t m : {0u, 1u, 2u, 3u, 5u}) {
            for (const std::size_t n : {0u, 1u, 3u, 4u, 9u}) {
                for (const std::size_t d : {0u, 1u, 7u, 8u, 9u, 63u, 128u}) {
                    check_shape(m, n, d, level, random);
                }
            }
        }
        check_shape(4, 4099, 768, level, random);  // large enough for three threads
    }
    return 0;
}
