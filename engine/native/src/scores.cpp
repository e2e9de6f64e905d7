#include "framedex/scores.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "kernels.h"

namespace framedex {

namespace {

// Under this many products a thread costs more to start than it saves (about 50 µs of work).
constexpr std::size_t kProductsPerThread = std::size_t{1} << 20;

}  // namespace

void scores_f16(FloatMatrix prompts, HalfMatrix matrix, float* scores, int threads, SimdLevel level) {
    const ScoreRows score_rows = level == SimdLevel::avx2 ? score_rows_avx2 : score_rows_portable;
    const std::size_t products = prompts.rows * matrix.rows * matrix.cols;
    const std::size_t worth = std::max<std::size_t>(1, products / kProductsPerThread);
    const std::size_t parts = std::min({static_cast<std::size_t>(threads), worth, std::max<std::size_t>(1, matrix.rows)});
    const auto boundary = [&](std::size_t part) { return matrix.rows * part / parts; };

    std::vector<std::jthread> others;  // joined when it goes out of scope
    others.reserve(parts - 1);
    for (std::size_t part = 1; part < parts; ++part) {
        others.emplace_back([=] { score_rows(prompts, matrix, boundary(part), boundary(part + 1), scores); });
    }
    score_rows(prompts, matrix, 0, boundary(1), scores);
}

}  // namespace framedex
