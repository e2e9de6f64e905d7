// Rules that need no more than places, draws and the order of scores: uniform, uniform-ends, random, top, bottom,
// threshold, qframe, drop.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "select_curve.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The smallest of uniforms: their negatives rank as scores do.
Ranked negatives(Curve& curve, const double* uniforms) {
    double* to = curve.spare.of(padded(curve.n()));
    curve.loops().negate(uniforms, curve.n(), to);
    return rank(curve.loops(), to, curve.n(), -1.0, 0.0, curve.spare_steps);
}

// Rows of every budget, one after the other, to the cells.
void write_even(const std::int32_t* rows, Curve& curve, std::span<Cell> cells) {
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        Cell& cell = cells[b * curve.seeds()];
        cell.count = curve.take(curve.budgets()[b]);
        std::copy_n(rows, cell.count, cell.rows);
        rows += cell.count;
    }
    curve.repeat(cells);
}

}  // namespace

void choose(const rules::Uniform&, Curve& curve, std::span<Cell> cells) {
    write_even(curve.centres(), curve, cells);
}

void choose(const rules::UniformEnds&, Curve& curve, std::span<Cell> cells) {
    write_even(curve.ends(), curve, cells);
}

void choose(const rules::Random& rule, Curve& curve, std::span<Cell> cells) {
    for (std::size_t seed = 0; seed < curve.seeds(); ++seed) {
        curve.write_best(negatives(curve, curve.uniforms(rule.draw, seed, curve.n())), cells, seed);
    }
}

void choose(const rules::Extreme& rule, Curve& curve, std::span<Cell> cells) {
    curve.write_best(rule.highest ? curve.ranked() : curve.negated(), cells, curve.seeds());
}

void choose(const rules::Threshold& rule, Curve& curve, std::span<Cell> cells) {
    double tau = rule.tau.value_or(0);
    if (!rule.tau) {
        const double mean = curve.loops().total(curve.x(), curve.n()) / static_cast<double>(curve.n());
        tau = std::clamp(mean, curve.low(), curve.high());
    }
    // Nothing but padding is below what follows the lowest double.
    const double least = std::max(std::nextafter(tau, kInfinity), std::numeric_limits<double>::lowest());
    const std::size_t above = curve.loops().count(curve.x(), curve.n(), least);
    const std::size_t count = curve.budgets().size();
    std::size_t* ks = curve.ks.of(count);
    for (std::size_t b = 0; b < count; ++b) {
        ks[b] = std::max<std::size_t>(1, std::min(above, curve.take(curve.budgets()[b])));
    }
    std::uint64_t* words = curve.words(false);
    curve.best().bits(curve.ranked(), {ks, count}, words);
    for (std::size_t b = 0; b < count; ++b) {
        Cell& cell = cells[b * curve.seeds()];
        curve.loops().write_rows(words + b * words_of(curve.n()), curve.n(), cell.rows);
        cell.count = ks[b];
    }
    curve.repeat(cells);
}

void choose(const rules::QFrame& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    for (std::size_t seed = 0; seed < curve.seeds(); ++seed) {
        double* noise = curve.spare_more.of(padded(n));
        double* noisy = curve.spare.of(padded(n));
        curve.loops().gumbel(curve.uniforms(rule.draw, seed, n), n, noise);
        curve.loops().add_noise(curve.x(), n, rule.tau, noise, noisy);
        double low;
        double high;
        curve.loops().extremes(noisy, n, &low, &high);
        curve.write_best(rank(curve.loops(), noisy, n, low, high, curve.spare_steps), cells, seed);
    }
}

std::size_t kept_by(const rules::Drop& rule, std::size_t taken) {
    return taken - static_cast<std::size_t>(rule.numerator * taken / rule.denominator);
}

namespace {

// The base's rows to the front of the cells, which have room for them in `rows`: one budget after the other.
void write_base(const rules::Drop& rule, Curve& curve, std::span<Cell> cells, std::size_t seed) {
    switch (rule.base) {
        case rules::Base::uniform:
            std::copy_n(curve.centres(), cells.back().rows + cells.back().count - cells.front().rows, cells.front().rows);
            return;
        case rules::Base::random:
        case rules::Base::top:
        case rules::Base::bottom: {
            const Ranked ranked = rule.base == rules::Base::top ? curve.ranked()
                                  : rule.base == rules::Base::bottom
                                      ? curve.negated()
                                      : negatives(curve, curve.uniforms(rule.base_draw, seed, curve.n()));
            std::size_t* ks = curve.ks.of(cells.size());
            for (std::size_t b = 0; b < cells.size(); ++b) {
                ks[b] = cells[b].count;
            }
            std::uint64_t* words = curve.words(false);
            curve.best().bits(ranked, {ks, cells.size()}, words);
            for (std::size_t b = 0; b < cells.size(); ++b) {
                curve.loops().write_rows(words + b * words_of(curve.n()), curve.n(), cells[b].rows);
            }
        }
    }
}

// Of the rows of one budget those that are kept.
void keep(const rules::Drop& rule, Curve& curve, const Cell& base, const double* uniforms, Cell& cell) {
    cell.count = kept_by(rule, base.count);
    double* values = curve.spare_more.of(padded(base.count));
    for (std::size_t i = 0; i < base.count; ++i) {
        const double value = rule.by == rules::By::random ? uniforms[i] : curve.x()[base.rows[i]];
        values[i] = rule.by == rules::By::highest ? -value : value;
    }
    std::fill(values + base.count, values + padded(base.count), -kInfinity);
    if (base.count <= kFew) {
        std::int32_t* to = cell.rows;
        for (std::uint64_t word = curve.loops().few_bits(values, base.count, cell.count); word != 0; word &= word - 1) {
            *to++ = base.rows[std::countr_zero(word)];
        }
        return;
    }
    double low;
    double high;
    curve.loops().extremes(values, base.count, &low, &high);
    const Ranked ranked = rank(curve.loops(), values, base.count, low, high, curve.spare_steps);
    std::uint64_t* words = curve.words(false);
    curve.best().bits(ranked, {&cell.count, 1}, words);
    curve.loops().write_rows(words, base.count, cell.rows);
    for (std::size_t i = 0; i < cell.count; ++i) {
        cell.rows[i] = base.rows[cell.rows[i]];
    }
}

}  // namespace

void choose(const rules::Drop& rule, Curve& curve, std::span<Cell> cells) {
    const std::size_t count = curve.budgets().size();
    const std::span<Cell> bases(curve.spare_cells.of(count), count);
    std::size_t most = 0;
    std::size_t all = 0;
    for (std::size_t b = 0; b < count; ++b) {
        bases[b].count = curve.take(curve.budgets()[b]);
        most = std::max(most, bases[b].count);
        all += bases[b].count;
    }
    std::int32_t* rows = curve.spare_rows.of(all);
    for (Cell& base : bases) {
        base.rows = rows;
        rows += base.count;
    }
    const bool draws = rule.base == rules::Base::random || rule.by == rules::By::random;
    const std::size_t seeds = draws ? curve.seeds() : 1;
    for (std::size_t seed = 0; seed < seeds; ++seed) {
        write_base(rule, curve, bases, seed);
        const double* uniforms = rule.by == rules::By::random ? curve.uniforms(rule.by_draw, seed, most) : nullptr;
        for (std::size_t b = 0; b < count; ++b) {
            keep(rule, curve, bases[b], uniforms, cells[b * curve.seeds() + seed]);
        }
    }
    if (!draws) {
        curve.repeat(cells);
    }
}

}  // namespace framedex
