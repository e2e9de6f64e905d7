// aks: adaptive keyframe sampling.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "select_curve.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One walk through the halves of a curve for all budgets: they halve at the same places, and stop at places of their own.
class Walk {
  public:
    Walk(const rules::Aks& rule, Curve& curve, std::uint64_t* words)
        : rule_(rule), curve_(curve), scaled_(curve.scaled()), sums_(curve.scaled_sums()), words_(words) {
        // Twice what rounding can do to a difference of means of numbers from 0 to 1 whose sums run over n of them.
        const double unit = 0x1p-52 * 8 * static_cast<double>(curve.n() + 1);
        slack_of_sum_ = unit * (sums_[curve.n() - 1] + 1);
        slack_ = unit;
    }

    // Choosing begins with all of a curve; `budgets` are numbers of those that halve it at all.
    void from_the_top(std::span<const std::size_t> budgets) {
        active_.assign(budgets.begin(), budgets.end());
        visit(0, curve_.n(), 0, 0);
    }

  private:
    // The budgets that get here and have not stopped are active_[begin] and on.
    void visit(std::size_t first, std::size_t last, std::size_t depth, std::size_t begin) {
        if (first == last) {  // half of one frame is nothing
            return;
        }
        const std::size_t end = active_.size();
        const bool might = may_stand_out(first, last);
        bool sorted = false;
        for (std::size_t i = begin; i < end; ++i) {
            const std::size_t b = active_[i];
            const std::size_t budget = curve_.budgets()[b];
            if (depth == deepest(budget) || (might && stands_out(first, last, budget, sorted))) {
                take_best(first, last, budget >> depth, words_ + b * words_of(curve_.n()));
            } else {
                active_.push_back(b);
            }
        }
        if (active_.size() > end) {
            const std::size_t middle = first + (last - first) / 2;
            visit(first, middle, depth + 1, end);
            visit(middle, last, depth + 1, end);
        }
        active_.resize(end);
    }

    std::size_t deepest(std::size_t budget) const {
        return rule_.strict ? rule_.depth : std::min(rule_.depth, static_cast<std::size_t>(std::bit_width(budget)) - 1);
    }

    // Whether the gap between the best frames' mean and the mean can exceed t1 at all: it is at most that of the best frame.
    bool may_stand_out(std::size_t first, std::size_t last) const {
        double low;
        double high;
        curve_.loops().extremes(scaled_ + first, last - first, &low, &high);
        const double sum = sums_[last - 1] - (first == 0 ? 0.0 : sums_[first - 1]);
        const double size = static_cast<double>(last - first);
        return high - sum / size > rule_.t1 - (slack_of_sum_ / size + slack_);
    }

    // The rule itself, its sums in the order of framedex.select.aks.
    bool stands_out(std::size_t first, std::size_t last, std::size_t budget, bool& sorted) {
        const std::size_t size = last - first;
        const double* segment = scaled_ + first;
        double* down = curve_.spare.of(size);
        if (!sorted) {
            std::copy_n(segment, size, down);
            std::sort(down, down + size, std::greater<>());
            sorted = true;
        }
        const std::size_t best = std::min(budget, size);
        const double mean = total(segment, size) / static_cast<double>(size);
        if (!(total(down, best) / static_cast<double>(best) - mean > rule_.t1)) {
            return false;
        }
        double squares = 0;
        for (std::size_t i = 0; i < size; ++i) {
            squares += (segment[i] - mean) * (segment[i] - mean);
        }
        return std::sqrt(squares / static_cast<double>(size)) > rule_.t2;
    }

    static double total(const double* x, std::size_t n) {
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            sum += x[i];
        }
        return sum;
    }

    void take_best(std::size_t first, std::size_t last, std::size_t k, std::uint64_t* words) {
        const std::size_t size = last - first;
        if (k >= size) {
            for (std::size_t row = first; row < last; ++row) {
                set_bit(words, row);
            }
        } else if (k == 1) {
            set_bit(words, first + curve_.loops().argmax(scaled_ + first, size));
        } else if (k > 1) {
            double* segment = curve_.spare_more.of(padded(size));
            std::copy_n(scaled_ + first, size, segment);
            std::fill(segment + size, segment + padded(size), -kInfinity);
            Ranked ranked{segment, size, 0, 0, size};
            curve_.loops().extremes(segment, size, &ranked.low, &ranked.high);
            std::uint64_t* found = curve_.found.of(words_of(size));
            curve_.best().bits(ranked, {&k, 1}, found);
            for (std::size_t i = 0; i < words_of(size); ++i) {
                for (std::uint64_t word = found[i]; word != 0; word &= word - 1) {
                    set_bit(words, first + 64 * i + static_cast<std::size_t>(std::countr_zero(word)));
                }
            }
        }
    }

    const rules::Aks& rule_;
    Curve& curve_;
    const double* scaled_;
    const double* sums_;
    std::uint64_t* words_;
    double slack_of_sum_;
    double slack_;
    std::vector<std::size_t> active_;
};

}  // namespace

void choose(const rules::Aks& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    std::uint64_t* words = curve.words(true);
    const auto takes_all = [&](std::size_t budget) { return n < budget || (n == budget && !rule.strict); };
    std::size_t* halving = curve.ks.of(curve.budgets().size());
    std::size_t count = 0;
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        halving[count] = b;
        count += !takes_all(curve.budgets()[b]);
    }
    if (count > 0) {
        Walk(rule, curve, words).from_the_top({halving, count});
    }
    const Ranked scaled{curve.scaled(), n, 0.0, 1.0, n};
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        const std::size_t budget = curve.budgets()[b];
        Cell& cell = cells[b * curve.seeds()];
        if (takes_all(budget)) {
            cell.count = static_cast<std::size_t>(write_all_rows(n, cell.rows) - cell.rows);
            continue;
        }
        if (!rule.strict) {
            curve.top_up(scaled, budget, words + b * words_of(n));
        }
        cell.count = static_cast<std::size_t>(write_rows(words + b * words_of(n), n, cell.rows) - cell.rows);
    }
    curve.repeat(cells);
}

}  // namespace framedex
