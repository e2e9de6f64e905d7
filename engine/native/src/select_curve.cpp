#include "select_curve.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "draws.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

void Curve::begin(const double* x, std::size_t n, std::string_view text) {
    x_ = x;
    n_ = n;
    of_prompt_ = text;
    has_negated_ = has_scaled_ = has_sums_ = false;
    drawn_.assign(wanted_.draws.size() * seeds(), 0);
    if (uniforms_.size() < drawn_.size()) {
        uniforms_ = std::vector<Scratch<double>>(drawn_.size());
    }
    if (x != nullptr) {
        loops_.extremes(x, n, &low_, &high_);
    }
}

Ranked Curve::negated() {
    double* to = negated_.of(padded(n_) + kReadBeyond);
    if (!has_negated_) {
        loops_.negate(x_, n_, to);
        has_negated_ = true;
    }
    return {to, n_, -high_, -low_, n_};
}

const double* Curve::scaled() {
    double* to = scaled_.of(padded(n_));
    if (!has_scaled_) {
        loops_.scale(x_, n_, low_, high_, to);
        has_scaled_ = true;
    }
    return to;
}

const double* Curve::scaled_sums() {
    const double* from = scaled();
    double* to = sums_.of(n_);
    if (!has_sums_) {
        double sum = 0;
        for (std::size_t i = 0; i < n_; ++i) {
            sum += from[i];
            to[i] = sum;
        }
        has_sums_ = true;
    }
    return to;
}

const double* Curve::uniforms(std::size_t draw, std::size_t seed, std::size_t count) {
    const std::size_t which = draw * seeds() + seed;
    double* to = uniforms_[which].of(padded(count));
    if (drawn_[which] < count) {
        text_.assign("[").append(wanted_.seeds[seed]).append(",").append(of_prompt_);
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
        write_rows(found + b * words_of(n_), n_, cell.rows);
        cell.count = wanted[b];
    }
    if (seed == seeds()) {
        repeat(cells);
    }
}

void Curve::top_up(const Ranked& ranked, std::size_t k, std::uint64_t* words) {
    const std::size_t given = count_bits(words, n_);
    if (given >= k) {
        return;
    }
    double* others = others_.of(padded(n_));
    std::copy_n(ranked.x, padded(n_), others);
    for (std::size_t i = 0; i < words_of(n_); ++i) {
        for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
            others[64 * i + static_cast<std::size_t>(std::countr_zero(word))] = -kInfinity;
        }
    }
    const std::size_t missing = k - given;
    std::uint64_t* added = added_.of(words_of(n_));
    best_.bits({others, n_, ranked.low, ranked.high, n_ - given}, {&missing, 1}, added);
    for (std::size_t i = 0; i < words_of(n_); ++i) {
        words[i] |= added[i];
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
