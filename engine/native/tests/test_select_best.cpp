// The best rows of a curve on every level, against a stable sort; few distinct values, so that ties are everywhere, and
// numbers so far apart or so near each other that steps do not tell them apart.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "check.h"
#include "framedex/simd.h"
#include "select_best.h"

namespace {

using framedex::Best;
using framedex::Loops;
using framedex::padded;
using framedex::Ranked;
using framedex::Scratch;
using framedex::Step;
using framedex::words_of;

std::vector<const Loops*> every_level() {
    std::vector<const Loops*> levels{&framedex::kPortableLoops};
    if (framedex::best_simd_level() >= framedex::SimdLevel::avx2) {
        levels.push_back(&framedex::kAvx2Loops);
    }
    if (framedex::best_simd_level() >= framedex::SimdLevel::avx512) {
        levels.push_back(&framedex::kAvx512Loops);
    }
    return levels;
}

// Of the rows that are given to the i-th of ks, some and at times more than it wants.
bool is_given(std::size_t row, std::size_t i) {
    return (7 * row + i) % (3 + 4 * (i % 3)) == 0;
}

// `order` is from the best row on.
void check_top_up(Best& best, const Ranked& ranked, const std::vector<std::size_t>& order,
                  const std::vector<std::size_t>& ks) {
    const std::size_t size = words_of(ranked.n);
    std::vector<std::uint64_t> words(size * ks.size());
    std::vector<std::uint64_t> expected(size * ks.size());
    for (std::size_t i = 0; i < ks.size(); ++i) {
        std::size_t taken = 0;
        for (std::size_t row = 0; row < ranked.n; ++row) {
            if (is_given(row, i)) {
                framedex::set_bit(words.data() + i * size, row);
                framedex::set_bit(expected.data() + i * size, row);
                ++taken;
            }
        }
        for (std::size_t at = 0; at < ranked.n && taken < ks[i]; ++at) {
            if (!is_given(order[at], i)) {
                framedex::set_bit(expected.data() + i * size, order[at]);
                ++taken;
            }
        }
    }
    best.top_up(ranked, ks, words.data());
    CHECK(words == expected);
}

void check_best(const std::vector<double>& numbers, const std::vector<std::size_t>& ks) {
    const std::size_t n = numbers.size();
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return numbers[a] > numbers[b]; });
    std::vector<double> x(numbers);
    x.resize(padded(n) + framedex::kReadBeyond, -std::numeric_limits<double>::infinity());
    for (const Loops* loops : every_level()) {
        double low;
        double high;
        loops->extremes(x.data(), n, &low, &high);
        CHECK(low == *std::min_element(numbers.begin(), numbers.end()));
        CHECK(high == *std::max_element(numbers.begin(), numbers.end()));
        for (std::size_t k = 0; k <= n && n <= framedex::kFew; ++k) {
            std::uint64_t expected = 0;
            for (std::size_t i = 0; i < k; ++i) {
                framedex::set_bit(&expected, order[i]);
            }
            CHECK(loops->few_bits(x.data(), n, k) == expected);
        }
        Scratch<Step> steps;
        Best best(*loops);
        for (const bool by_steps : {true, false}) {
            Ranked ranked = rank(*loops, x.data(), n, low, high, steps);
            ranked.steps = by_steps ? ranked.steps : nullptr;
            std::vector<std::uint64_t> words(words_of(n) * ks.size());
            check_top_up(best, ranked, order, ks);
            best.bits(ranked, ks, words.data());
            for (std::size_t i = 0; i < ks.size(); ++i) {
                std::vector<std::int32_t> expected(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(ks[i]));
                std::sort(expected.begin(), expected.end());
                std::vector<std::int32_t> rows(n);
                CHECK(loops->write_rows(words.data() + i * words_of(n), n, rows.data()) == ks[i]);
                rows.resize(ks[i]);
                CHECK(rows == expected);
            }
        }
    }
}

void check_total() {
    for (const std::size_t n : {1u, 7u, 8u, 9u, 100u}) {
        std::vector<double> x(n);
        for (std::size_t i = 0; i < n; ++i) {
            x[i] = 1.0 / static_cast<double>(i + 3);
        }
        double lanes[8] = {};
        for (std::size_t i = 0; i < n; ++i) {
            lanes[i % 8] += x[i];
        }
        for (const Loops* loops : every_level()) {
            CHECK(loops->total(x.data(), n) == std::accumulate(lanes + 1, lanes + 8, lanes[0]));
        }
    }
}

}  // namespace

int main() {
    std::mt19937 random(11);
    const auto numbers = [&](std::size_t n, int kind) {
        std::vector<double> made(n);
        for (double& number : made) {
            const double uniform = std::uniform_real_distribution<>(-1, 1)(random);
            switch (kind) {
                case 0:
                    number = uniform;
                    break;
                case 1:
                    number = static_cast<double>(random() % 3) / 10;
                    break;
                case 2:
                    number = 0.3;
                    break;
                case 3:
                    number = std::ldexp(uniform, static_cast<int>(random() % 2000) - 1000);
                    break;
                case 4:
                    number = 1 + 1e-15 * static_cast<double>(random() % 5);
                    break;
                default:
                    number = random() % 20 == 0 ? 1e9 : uniform;
            }
        }
        return made;
    };
    for (const std::size_t n : {1u, 2u, 7u, 8u, 9u, 23u, 32u, 63u, 64u, 65u, 180u, 1000u}) {
        for (int kind = 0; kind < 6; ++kind) {
            std::vector<std::size_t> ks;
            for (const std::size_t k : {0u, 1u, 2u, 4u, 8u, 31u, 64u, 100u, 999u}) {
                ks.push_back(std::min<std::size_t>(k, n));
            }
            ks.insert(ks.end(), 12, n / 2);  // more than are looked for together
            check_best(numbers(n, kind), ks);
        }
    }
    check_best({0.0, -0.0, 0.0, -0.0}, {1, 2, 3});  // equal, whatever the sign
    check_best({5e-324, 0.0, -5e-324, 1e308, -1e308}, {1, 2, 3, 4});
    check_total();
    return 0;
}
