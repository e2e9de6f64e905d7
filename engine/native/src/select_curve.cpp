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

const std::int32_t* Curve::centres() {
    std::size_t all = 0;
    for (const std::size_t budget : budgets()) {
        all += take(budget);
    }
    std::int32_t* rows = centres_.of(all);
    if (centres_of_ != n_) {
        centres_of_ = n_;
        for (const std::size_t budget : budgets()) {
            const std::size_t k = take(budget);
            // ⌊(2i + 1)·n / 2k⌋, whole and rest carried along.
            std::size_t whole = n_ / (2 * k);
            std::size_t rest = n_ % (2 * k);
            for (std::size_t i = 0; i < k; ++i) {
                *rows++ = static_cast<std::int32_t>(whole);
                whole += n_ / k;
                rest += 2 * (n_ % k);
                whole += rest >= 2 * k;
                rest -= rest >= 2 * k ? 2 * k : 0;
            }
        }
    }
    return centres_.of(all);
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

void Curve::top_up(const Ranked& ranked, std::size_t k, std::uint64_t* words) {
    const std::size_t given = count_bits(words, n_);
    if (given >= k) {
        return;
    }
    Ranked left{ranked};
    left.free = n_ - given;
    const auto without_given = [&]<typename T>(const T* from, std::size_t size, T* to, T none) {
        std::copy_n(from, size, to);
        for (std::size_t i = 0; i < words_of(n_); ++i) {
            for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
                to[64 * i + static_cast<std::size_t>(std::countr_zero(word))] = none;
            }
        }
        return to;
    };
    if (ranked.steps != nullptr) {
        left.steps = without_given(ranked.steps, padded_steps(n_), other_steps_.of(padded_steps(n_)), kNoStep);
    } else {
        left.x = without_given(ranked.x, padded(n_), others_.of(padded(n_)), -kInfinity);
    }
    const std::size_t missing = k - given;
    std::uint64_t* added = added_.of(words_of(n_));
    best_.bits(left, {&missing, 1}, added);
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
