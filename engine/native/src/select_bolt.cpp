// bolt: inverse transform sampling.
#include <algorithm>

#include "select_curve.h"

namespace framedex {

namespace {

// So many shares are looked at in the time of one search.
constexpr std::size_t kSearchCost = 16;

// k even steps from 1/k to 1 - 1/k, as numpy.linspace computes them. A single one is the median, or, as it is published, 1.
Steps quantiles_of(std::size_t k, bool as_published) {
    const double first = 1.0 / static_cast<double>(k);
    const double last = 1.0 - first;
    if (k == 1) {
        return {1, 0, 0, as_published ? 1.0 : 0.5};
    }
    return {k, first, (last - first) / static_cast<double>(k - 1), last};
}

// For each quantile the bit of the first of n increasing shares that reaches it; of the last where none does. No step of
// a search depends on a comparison but by arithmetic, and four run side by side.
void search(const double* shares, std::size_t n, const Steps& quantiles, std::uint64_t* words) {
    constexpr std::size_t together = 4;
    for (std::size_t first = 0; first < quantiles.count; first += together) {
        const double* begins[together];
        double wanted[together];
        for (std::size_t i = 0; i < together; ++i) {
            begins[i] = shares;
            wanted[i] = quantiles[std::min(first + i, quantiles.count - 1)];
        }
        for (std::size_t left = n; left > 1;) {
            const std::size_t half = left / 2;
            for (std::size_t i = 0; i < together; ++i) {
                begins[i] += half & -static_cast<std::size_t>(begins[i][half - 1] < wanted[i]);
            }
            left -= half;
        }
        for (const double* begin : begins) {
            set_bit(words, static_cast<std::size_t>(begin - shares));
        }
    }
}

// Of every frame the share of the weights up to it.
const double* shares_reached(const rules::Bolt& rule, Curve& curve) {
    const std::size_t n = curve.n();
    double* shares = curve.spare.of(padded(n));
    if (curve.flat()) {
        std::fill(shares, shares + n, 1 / static_cast<double>(n));
    } else {
        const double* weights = curve.scaled().x;
        if (rule.power != 1.0) {
            curve.loops().raise(weights, n, rule.power, shares);
            weights = shares;
        }
        const double total = curve.loops().total(weights, n);
        curve.loops().divide(weights, n, total, shares);
    }
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += shares[i];
        shares[i] = sum;
    }
    return shares;
}

// The bits of the frames that k quantiles fall on.
void read(const rules::Bolt& rule, Curve& curve, const double* shares, std::size_t k, std::uint64_t* words) {
    const std::size_t n = curve.n();
    if (rule.strict && curve.flat()) {
        set_bit(words, 0);
        return;
    }
    const Steps quantiles = quantiles_of(k, rule.strict);
    if (k > 2 && kSearchCost * k > n) {
        curve.loops().quantile_bits(shares, n, quantiles, curve.spare_more.of(padded(n) + kWide), words);
    } else {
        search(shares, n, quantiles, words);
    }
}

}  // namespace

void choose(const rules::Bolt& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    const double* shares = shares_reached(rule, curve);
    const std::size_t count = curve.budgets().size();
    std::size_t* ks = curve.ks.of(count);
    std::uint64_t* words = curve.words(true);
    for (std::size_t b = 0; b < count; ++b) {
        ks[b] = rule.strict ? curve.budgets()[b] : curve.take(curve.budgets()[b]);
        read(rule, curve, shares, ks[b], words + b * words_of(n));
    }
    if (!rule.strict) {
        curve.best().top_up(curve.ranked(), {ks, count}, words);
    }
    for (std::size_t b = 0; b < count; ++b) {
        Cell& cell = cells[b * curve.seeds()];
        cell.count = curve.loops().write_rows(words + b * words_of(n), n, cell.rows);
    }
    curve.repeat(cells);
}

}  // namespace framedex
