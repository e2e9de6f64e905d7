// window-top and window-bottom.
#include <algorithm>
#include <limits>
#include <numeric>

#include "select_curve.h"

namespace framedex {

namespace {

// The first start of the window with the highest value among those that begin every `stride` frames, and the last.
std::size_t best_start(const Loops& loops, const double* values, std::size_t starts, std::size_t stride) {
    if (stride == 1) {
        return loops.argmax(values, starts);
    }
    std::size_t best = 0;
    for (std::size_t at = stride; at < starts; at += stride) {
        best = values[at] > values[best] ? at : best;
    }
    return values[starts - 1] > values[best] ? starts - 1 : best;
}

}  // namespace

// A window's sum is that of a shorter one from the same start, continued: one pass serves all budgets.
void choose(const rules::Window& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    const std::size_t count = curve.budgets().size();
    const bool maxima = rule.statistic == rules::Statistic::max;
    std::size_t* order = curve.ks.of(count);
    std::iota(order, order + count, 0);
    std::sort(order, order + count, [&](std::size_t a, std::size_t b) { return curve.budgets()[a] < curve.budgets()[b]; });
    // The lowest sum is the highest one of the negated curve.
    const double* x = rule.highest || maxima ? curve.x() : curve.negated().x;
    double* values = curve.spare.of(padded(n));
    double* negated = curve.spare_more.of(padded(n));
    std::fill(values, values + padded(n), maxima ? -std::numeric_limits<double>::infinity() : 0.0);
    std::size_t summed = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t length = curve.take(rule.length == 0 ? curve.budgets()[order[i]] : rule.length);
        const std::size_t starts = n - length + 1;
        if (i == 0 || length > summed) {
            const auto extend = maxima ? curve.loops().extend_maxima : curve.loops().extend_sums;
            extend(x, starts, summed, length, values);
            summed = length;
            const double* ranked = values;
            if (maxima && !rule.highest) {
                curve.loops().negate(values, starts, negated);
                ranked = negated;
            }
            first = best_start(curve.loops(), ranked, starts, rule.stride);
        }
        Cell& cell = cells[order[i] * curve.seeds()];
        std::iota(cell.rows, cell.rows + length, static_cast<std::int32_t>(first));
        cell.count = length;
    }
    curve.repeat(cells);
}

}  // namespace framedex
