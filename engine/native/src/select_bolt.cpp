// bolt: inverse transform sampling.
#include <algorithm>

#include "select_curve.h"

namespace framedex {

namespace {

// The i-th of k even steps from 1/k to 1 - 1/k, as numpy.linspace computes it.
class Quantiles {
  public:
    explicit Quantiles(std::size_t k) : k_(k), first_(1.0 / static_cast<double>(k)), last_(1.0 - first_) {
        step_ = k > 1 ? (last_ - first_) / static_cast<double>(k - 1) : 0.0;
    }

    double operator[](std::size_t i) const {
        return k_ > 1 && i == k_ - 1 ? last_ : static_cast<double>(i) * step_ + first_;
    }

  private:
    std::size_t k_;
    double first_;
    double last_;
    double step_ = 0;
};

// The first of n increasing sums that reaches `wanted`; the last where none does. No step depends on how the one before came
// out, so that several searches run at once.
std::size_t reached(const double* sums, std::size_t n, double wanted) {
    const double* begin = sums;
    for (std::size_t left = n; left > 1;) {
        const std::size_t half = left / 2;
        begin += begin[half - 1] < wanted ? half : 0;
        left -= half;
    }
    return static_cast<std::size_t>(begin - sums);
}

// Of every frame the share of the weights up to it.
const double* shares_reached(const rules::Bolt& rule, Curve& curve) {
    const std::size_t n = curve.n();
    double* shares = curve.spare.of(padded(n));
    double total = 0;
    if (curve.flat()) {
        total = static_cast<double>(n);
        std::fill(shares, shares + n, 1 / total);
    } else {
        const double* weights = curve.scaled();
        if (rule.power == 1.0) {
            total = curve.scaled_sums()[n - 1];
        } else {
            curve.loops().raise(weights, n, rule.power, shares);
            weights = shares;
            for (std::size_t i = 0; i < n; ++i) {
                total += weights[i];
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            shares[i] = weights[i] / total;
        }
    }
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += shares[i];
        shares[i] = sum;
    }
    return shares;
}

}  // namespace

void choose(const rules::Bolt& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    const double* sums = shares_reached(rule, curve);
    std::uint64_t* all_words = curve.words(true);
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        std::uint64_t* words = all_words + b * words_of(n);
        const std::size_t budget = curve.budgets()[b];
        const std::size_t k = rule.strict ? budget : curve.take(budget);
        if (rule.strict && curve.flat()) {
            set_bit(words, 0);
        } else if (k == 1 && !rule.strict) {
            set_bit(words, reached(sums, n, 0.5));
        } else {
            const Quantiles quantiles(k);
            for (std::size_t i = 0; i < k; ++i) {
                set_bit(words, reached(sums, n, quantiles[i]));
            }
        }
        if (!rule.strict) {
            curve.top_up(curve.ranked(), k, words);
        }
        Cell& cell = cells[b * curve.seeds()];
        cell.count = static_cast<std::size_t>(write_rows(words, n, cell.rows) - cell.rows);
    }
    curve.repeat(cells);
}

}  // namespace framedex
