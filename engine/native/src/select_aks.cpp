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
// Halvings whose segments are looked at once for all budgets; deeper ones are looked at as they come.
constexpr std::size_t kShared = 6;
// Up to here the best of a segment are found by looking through it for each.
constexpr std::size_t kSmall = 24;

// One walk through the halves of a curve for all budgets: they halve at the same places, and stop at places of their own.
class Walk {
  public:
    Walk(const rules::Aks& rule, Curve& curve, std::uint64_t* words)
        : rule_(rule), curve_(curve), ranked_(curve.scaled()), words_(words) {
        const std::size_t n = curve.n();
        quick_ = curve.spare.of(n + 1);
        curve.loops().quick_sums(ranked_.x, n, quick_);
        // Twice what rounding can do to a difference of means of numbers from 0 to 1 whose sums run over n of them.
        slack_ = 0x1p-49 * static_cast<double>(n + 1);
        slack_of_sum_ = slack_ * (quick_[n] + 1);
    }

    // Begins with all of the curve; `budgets` are numbers of those that halve it at all.
    void from_the_top(std::span<const std::size_t> budgets) {
        active_.assign(budgets.begin(), budgets.end());
        std::size_t most = 0;
        for (const std::size_t b : budgets) {
            most = std::max(most, deepest(curve_.budgets()[b]));
        }
        shared_ = std::min(most, kShared);
        look({0, curve_.n(), 0, 0});
        visit({0, curve_.n(), 0, 0}, 0);
    }

  private:
    // A segment: rows first to last - 1 after `depth` halvings, the index-th of those.
    struct Segment {
        std::size_t first;
        std::size_t last;
        std::size_t depth;
        std::size_t index;

        std::size_t size() const { return last - first; }
        Segment half(std::size_t which) const {
            const std::size_t middle = first + (last - first) / 2;
            return {which == 0 ? first : middle, which == 0 ? middle : last, depth + 1, 2 * index + which};
        }
    };

    struct Seen {
        double high;
        std::size_t at;  // of the first of the highest
        bool may_stop;   // whether it may stand out, or a part of it
    };

    Seen& seen(const Segment& segment) { return seen_[(std::size_t{1} << segment.depth) + segment.index]; }

    Seen scan(const Segment& segment) const {
        Seen found{-kInfinity, segment.first, false};
        for (std::size_t row = segment.first; row < segment.last; ++row) {
            const bool higher = ranked_.x[row] > found.high;
            found.high = higher ? ranked_.x[row] : found.high;
            found.at = higher ? row : found.at;
        }
        return found;
    }

    Seen look(const Segment& segment) {
        Seen found{-kInfinity, segment.first, false};
        if (segment.depth == shared_) {
            found = scan(segment);
            found.may_stop = true;
        } else {
            const Seen early = look(segment.half(0));
            const Seen late = look(segment.half(1));
            found = late.high > early.high ? late : early;
            found.may_stop = segment.size() > 0 && may_stand_out(segment, found.high);
            if (segment.depth + 1 < shared_) {
                found.may_stop |= early.may_stop || late.may_stop;
            }
        }
        seen(segment) = found;
        return found;
    }

    // Whether the gap between the best frames' mean and the mean can exceed t1 at all: it is at most that of the best
    // frame.
    bool may_stand_out(const Segment& segment, double high) const {
        const double size = static_cast<double>(segment.size());
        return high - quick_mean(segment) > rule_.t1 - (slack_of_sum_ / size + slack_);
    }

    double quick_mean(const Segment& segment) const {
        return (quick_[segment.last] - quick_[segment.first]) / static_cast<double>(segment.size());
    }

    std::size_t deepest(std::size_t budget) const {
        return rule_.strict ? rule_.depth : std::min(rule_.depth, static_cast<std::size_t>(std::bit_width(budget)) - 1);
    }

    // The budgets that get here and have not stopped are active_[begin] and on.
    void visit(const Segment& segment, std::size_t begin) {
        if (segment.size() == 0) {  // half of one frame is nothing
            return;
        }
        const std::size_t end = active_.size();
        const bool shared = segment.depth < shared_;
        if (shared && !seen(segment).may_stop) {
            for (std::size_t i = begin; i < end; ++i) {
                halve_down(segment, active_[i]);
            }
            return;
        }
        const double high = segment.depth <= shared_ ? seen(segment).high : scan(segment).high;
        const bool may = may_stand_out(segment, high);
        bool sorted = false;
        for (std::size_t i = begin; i < end; ++i) {
            const std::size_t b = active_[i];
            const std::size_t budget = curve_.budgets()[b];
            if (segment.depth == deepest(budget) || (may && stands_out(segment, budget, sorted))) {
                take_best(segment, budget >> segment.depth, b);
            } else {
                active_.push_back(b);
            }
        }
        if (active_.size() > end) {
            visit(segment.half(0), end);
            visit(segment.half(1), end);
        }
        active_.resize(end);
    }

    // For a budget that stops nowhere in here before its deepest: as far as what was seen says, all the way.
    void halve_down(const Segment& segment, std::size_t b) {
        const std::size_t budget = curve_.budgets()[b];
        if (segment.size() == 0) {
            return;
        }
        if (segment.depth == deepest(budget)) {
            take_best(segment, budget >> segment.depth, b);
        } else if (segment.depth == shared_) {
            active_.push_back(b);
            visit(segment, active_.size() - 1);
            active_.pop_back();
        } else {
            halve_down(segment.half(0), b);
            halve_down(segment.half(1), b);
        }
    }

    // The rule itself. Sums that rounding may have put on the wrong side of t1 are summed again as framedex.select.aks
    // does.
    bool stands_out(const Segment& segment, std::size_t budget, bool& sorted) {
        const std::size_t size = segment.size();
        const std::size_t best = std::min(budget, size);
        if (rule_.t2 < 0) {
            const double slack = slack_of_sum_ / static_cast<double>(size) + 2 * slack_;
            const double mean_of_best = best == size ? quick_mean(segment) : quick_mean_of_best(segment, best);
            const double gap = mean_of_best - quick_mean(segment) - rule_.t1;
            if (std::fabs(gap) > slack) {
                return gap > 0;
            }
        }
        const double* numbers = ranked_.x + segment.first;
        double* down = curve_.spare_more.of(padded(size));
        if (!sorted) {
            std::copy_n(numbers, size, down);
            std::sort(down, down + size, std::greater<>());
            sorted = true;
        }
        const Loops& loops = curve_.loops();
        const double mean = loops.total(numbers, size) / static_cast<double>(size);
        if (!(loops.total(down, best) / static_cast<double>(best) - mean > rule_.t1)) {
            return false;
        }
        double* squares = curve_.spare_squares.of(padded(size));
        for (std::size_t i = 0; i < size; ++i) {
            squares[i] = (numbers[i] - mean) * (numbers[i] - mean);
        }
        return std::sqrt(loops.total(squares, size) / static_cast<double>(size)) > rule_.t2;
    }

    double quick_mean_of_best(const Segment& segment, std::size_t k) {
        const std::uint64_t* bits = best_bits(segment, k);
        double sum = 0;
        for (std::size_t i = 0; i < words_of(segment.size()); ++i) {
            for (std::uint64_t word = bits[i]; word != 0; word &= word - 1) {
                sum += ranked_.x[segment.first + 64 * i + static_cast<std::size_t>(std::countr_zero(word))];
            }
        }
        return sum / static_cast<double>(k);
    }

    void take_best(const Segment& segment, std::size_t k, std::size_t b) {
        std::uint64_t* words = words_ + b * words_of(curve_.n());
        const std::size_t size = segment.size();
        if (k >= size) {
            for (std::size_t row = segment.first; row < segment.last; ++row) {
                set_bit(words, row);
            }
        } else if (k == 1) {
            set_bit(words, segment.depth <= shared_ ? seen(segment).at : scan(segment).at);
        } else if (k > 1) {
            const std::uint64_t* bits = best_bits(segment, k);
            for (std::size_t i = 0; i < words_of(size); ++i) {
                for (std::uint64_t word = bits[i]; word != 0; word &= word - 1) {
                    set_bit(words, segment.first + 64 * i + static_cast<std::size_t>(std::countr_zero(word)));
                }
            }
        }
    }

    // The k best rows of a segment, k below its size, as bits from its first row on.
    const std::uint64_t* best_bits(const Segment& segment, std::size_t k) {
        const std::size_t size = segment.size();
        const double* numbers = ranked_.x + segment.first;
        std::uint64_t* bits = curve_.found.of(words_of(size));
        if (size <= kSmall) {
            *bits = 0;
            for (std::size_t i = 0; i < k; ++i) {
                double high = -kInfinity;
                std::uint64_t at = 0;
                for (std::size_t row = 0; row < size; ++row) {
                    const bool higher = (numbers[row] > high) & ((*bits >> row & 1) == 0);
                    high = higher ? numbers[row] : high;
                    at = higher ? row : at;
                }
                *bits |= std::uint64_t{1} << at;
            }
            return bits;
        }
        double* copied = curve_.spare_numbers.of(padded(size));
        std::copy_n(numbers, size, copied);
        std::fill(copied + size, copied + padded(size), -kInfinity);
        Ranked ranked{copied, nullptr, size, 0.0, 1.0, size};
        if (ranked_.steps != nullptr) {
            Step* steps = curve_.spare_steps.of(padded_steps(size));
            std::copy_n(ranked_.steps + segment.first, size, steps);
            std::fill(steps + size, steps + padded_steps(size), kNoStep);
            ranked.steps = steps;
        }
        curve_.best().bits(ranked, {&k, 1}, bits);
        return bits;
    }

    const rules::Aks& rule_;
    Curve& curve_;
    const Ranked& ranked_;
    std::uint64_t* words_;
    double* quick_;
    double slack_;
    double slack_of_sum_;
    std::size_t shared_ = 0;
    Seen seen_[std::size_t{2} << kShared];  // 2^depth + index; of depths up to shared_
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
    if (!rule.strict) {
        std::size_t* ks = curve.ks.of(curve.budgets().size());
        for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
            ks[b] = takes_all(curve.budgets()[b]) ? 0 : curve.budgets()[b];
        }
        curve.best().top_up(curve.scaled(), {ks, curve.budgets().size()}, words);
    }
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        Cell& cell = cells[b * curve.seeds()];
        if (takes_all(curve.budgets()[b])) {
            cell.count = static_cast<std::size_t>(write_all_rows(n, cell.rows) - cell.rows);
        } else {
            cell.count = curve.loops().write_rows(words + b * words_of(n), n, cell.rows);
        }
    }
    curve.repeat(cells);
}

}  // namespace framedex
