#include "select_curve.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "draws.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ⌊(first + i·step) / by⌋ for i < count, whole and rest carried along; returns where they end.
std::int32_t* write_even(std::size_t first, std::size_t step, std::size_t by, std::size_t count, std::int32_t* rows) {
    std::size_t whole = first / by;
    std::size_t rest = first % by;
    for (std::size_t i = 0; i < count; ++i) {
        *rows++ = static_cast<std::int32_t>(whole);
        whole += step / by;
        rest += step % by;
        whole += rest >= by;
        rest -= rest >= by ? by : 0;
    }
    return rows;
}

}  // namespace

void Curve::begin(const double* x, std::size_t n, std::string_view text) {
    x_ = x;
    n_ = n;
    of_prompt_ = text;
    ranked_.n = negated_.n = scaled_.n = 0;
    drawn_.assign(wanted_.draws.size() * seeds(), 0);
    if (uniforms_.size() < drawn_.size()) {
        uniforms_ = std::vector<Scratch<double>>(drawn_.size());
    }
    if (x != nullptr) {
        loops_.extremes(x, n, &low_, &high_);
    }
}

const Ranked& Curve::ranked() {
    if (ranked_.n == 0) {
        ranked_ = rank(loops_, x_, n_, low_, high_, ranked_steps_);
    }
    return ranked_;
}

const Ranked& Curve::negated() {
    if (negated_.n == 0) {
        double* to = negated_numbers_.of(padded(n_));
        loops_.negate(x_, n_, to);
        negated_ = rank(loops_, to, n_, -high_, -low_, negated_steps_);
    }
    return negated_;
}

const Ranked& Curve::scaled() {
    if (scaled_.n == 0) {
        double* to = scaled_numbers_.of(padded(n_));
        loops_.scale(x_, n_, low_, high_, to);
        scaled_ = rank(loops_, to, n_, 0.0, 1.0, scaled_steps_);
    }
    return scaled_;
}

const std::int32_t* Curve::even(Even& kept, bool ends) {
    std::size_t all = 0;
    for (const std::size_t budget : budgets()) {
        all += take(budget);
    }
    std::int32_t* rows = kept.rows.of(all);
    if (kept.n != n_) {
        kept.n = n_;
        for (const std::size_t budget : budgets()) {
            const std::size_t k = take(budget);
            rows = ends ? write_even(0, n_ - 1, std::max<std::size_t>(1, k - 1), k, rows)
                        : write_even(n_, 2 * n_, 2 * k, k, rows);
        }
    }
    return kept.rows.of(all);
}

const double* Curve::uniforms(std::size_t draw, std::size_t seed, std::size_t count) {
    const std::size_t which = draw * seeds() + seed;
    double* to = uniforms_[which].of(padded(count));
    if (drawn_[which] < count) {
        text_.assign(1, '[').append(wanted_.seeds[seed]).append(",").append(of_prompt_);
        text_.append(",").append(wanted_.draws[draw]).append("]");
        draw_uniforms(text_, count, to);
        std::fill(to + count, to + padded(count), 0.0);
        drawn_[which] = count;
    }
    return to;
}

std::uint64_t* Curve::words(bool clear) {
    const std::size_t size = words_of(n_) * budgets().size();
    std::uint64_t* words = words_.of(size);
    if (clear) {
        std::fill_n(words, size, 0);
    }
    return words;
}

void Curve::write_best(const Ranked& ranked, std::span<Cell> cells, std::size_t seed) {
    const std::size_t count = budgets().size();
    std::size_t* wanted = ks.of(count);
    for (std::size_t b = 0; b < count; ++b) {
        wanted[b] = take(budgets()[b]);
    }
    std::uint64_t* found = words(false);
    best_.bits(ranked, {wanted, count}, found);
    for (std::size_t b = 0; b < count; ++b) {
        Cell& cell = cells[b * seeds() + (seed == seeds() ? 0 : seed)];
        loops_.write_rows(found + b * words_of(n_), n_, cell.rows);
        cell.count = wanted[b];
    }
    if (seed == seeds()) {
        repeat(cells);
    }
}

void Curve::repeat(std::span<Cell> cells) const {
    for (std::size_t b = 0; b < budgets().size(); ++b) {
        const Cell& first = cells[b * seeds()];
        for (std::size_t seed = 1; seed < seeds(); ++seed) {
            Cell& other = cells[b * seeds() + seed];
            std::copy_n(first.rows, first.count, other.rows);
            other.count = first.count;
        }
    }
}

}  // namespace framedex
