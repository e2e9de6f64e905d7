// window-top and window-bottom.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "select_curve.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

// Windows by their sums, each from its first frame on.
class Sums {
  public:
    Sums(const rules::Window& rule, Curve& curve) : rule_(rule), curve_(curve) {
        const std::size_t n = curve.n();
        quick_ = curve.spare.of(n + 1 + kReadBeyond);
        curve.loops().quick_sums(curve.x(), n, quick_);
        // Twice what rounding can do to a difference of sums up to two frames, and to a window's own sum.
        const double most = std::max(std::fabs(curve.low()), std::fabs(curve.high()));
        slack_ = 0x1p-50 * static_cast<double>(n + 1) * static_cast<double>(n) * most;
        finite_ = std::isfinite(static_cast<double>(n + 1) * most);
    }

    std::size_t first_of_best(std::size_t length) {
        const Loops& loops = curve_.loops();
        const std::size_t starts = curve_.n() - length + 1;
        if (rule_.stride > 1 || !finite_) {
            return by_every_sum(length, starts);
        }
        const double sign = rule_.highest ? 1.0 : -1.0;
        double* sums = curve_.spare_more.of(padded(curve_.n()));
        const double highest = loops.window_sums(quick_, starts, length, sign, sums);
        std::uint64_t* near = curve_.found.of(words_of(curve_.n()));
        loops.bits(sums, starts, highest - slack_, near);
        const std::size_t candidates = count_bits(near, starts);
        if (candidates > 8) {
            return by_every_sum(length, starts);
        }
        // Most often there is one.
        std::size_t best = 0;
        double best_sum = -kInfinity;
        for (std::size_t i = 0; i < words_of(starts); ++i) {
            for (std::uint64_t word = near[i]; word != 0; word &= word - 1) {
                const std::size_t start = 64 * i + static_cast<std::size_t>(std::countr_zero(word));
                const double* x = curve_.x() + start;
                const double sum = candidates == 1 ? 0.0 : sign * std::accumulate(x, x + length, 0.0);
                best = sum > best_sum ? start : best;
                best_sum = std::max(sum, best_sum);
            }
        }
        return best;
    }

  private:
    std::size_t by_every_sum(std::size_t length, std::size_t starts) {
        double* sums = curve_.spare_more.of(padded(starts));
        std::fill(sums, sums + padded(starts), 0.0);
        curve_.loops().extend_sums(curve_.x(), starts, 0, length, sums);
        if (!rule_.highest) {
            curve_.loops().negate(sums, starts, sums);
        }
        return best_start(curve_.loops(), sums, starts, rule_.stride);
    }

    const rules::Window& rule_;
    Curve& curve_;
    double* quick_;
    double slack_;
    bool finite_;  // whether no sum of its frames can leave the range of doubles
};

// Windows by their maxima; lengths are asked for in order.
class Maxima {
  public:
    Maxima(const rules::Window& rule, Curve& curve) : rule_(rule), curve_(curve) {
        const std::size_t size = padded(curve.n()) + kReadBeyond;
        doubled_ = curve.spare.of(size);
        std::copy_n(curve.x(), size, doubled_);
    }

    std::size_t first_of_best(std::size_t length) {
        const Loops& loops = curve_.loops();
        const std::size_t n = curve_.n();
        for (; 2 * reach_ <= length; reach_ *= 2) {
            loops.pair_maxima(doubled_, n - 2 * reach_ + 1, reach_, doubled_);
        }
        const std::size_t starts = n - length + 1;
        double* maxima = curve_.spare_more.of(padded(starts) + kReadBeyond);
        loops.pair_maxima(doubled_, starts, length - reach_, maxima);
        if (!rule_.highest) {
            loops.negate(maxima, starts, maxima);
        }
        return best_start(loops, maxima, starts, rule_.stride);
    }

  private:
    const rules::Window& rule_;
    Curve& curve_;
    double* doubled_;        // of every frame the maximum of it and those after it, `reach_` in all
    std::size_t reach_ = 1;  // a power of two
};

template <typename Windows>
void choose_windows(const rules::Window& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t count = curve.budgets().size();
    std::size_t* order = curve.ks.of(count);
    std::iota(order, order + count, 0);
    std::sort(order, order + count, [&](std::size_t a, std::size_t b) { return curve.budgets()[a] < curve.budgets()[b]; });
    Windows windows(rule, curve);
    std::size_t before = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t length = curve.take(rule.length == 0 ? curve.budgets()[order[i]] : rule.length);
        if (length != before) {
            first = windows.first_of_best(length);
            before = length;
        }
        Cell& cell = cells[order[i] * curve.seeds()];
        std::iota(cell.rows, cell.rows + length, static_cast<std::int32_t>(first));
        cell.count = length;
    }
    curve.repeat(cells);
}

}  // namespace

void choose(const rules::Window& rule, Curve& curve, std::span<Cell> cells) {
    if (rule.statistic == rules::Statistic::max) {
        choose_windows<Maxima>(rule, curve, cells);
    } else {
        choose_windows<Sums>(rule, curve, cells);
    }
}

}  // namespace framedex
