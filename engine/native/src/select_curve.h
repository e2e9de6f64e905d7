// One curve, and the memory of the thread that chooses from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framedex/select.h"
#include "scratch.h"
#include "select_best.h"
#include "select_loops.h"

namespace framedex {

// Room for one selection, and how much of it was used.
struct Cell {
    std::int32_t* rows;
    std::size_t count;
};

// What rules read of a curve. What several of them read is made when the first asks for it and kept until the next curve.
class Curve {
  public:
    Curve(const Loops& loops, const Wanted& wanted) : loops_(loops), wanted_(wanted), best_(loops) {}

    // x: padded, may be read kReadBeyond further; null where there are no scores. text: what its draws depend on.
    void begin(const double* x, std::size_t n, std::string_view text);

    const Loops& loops() const { return loops_; }
    std::span<const std::size_t> budgets() const { return wanted_.budgets; }
    std::size_t seeds() const { return wanted_.seeds.size(); }
    std::size_t n() const { return n_; }
    std::size_t take(std::size_t budget) const { return budget < n_ ? budget : n_; }

    const double* x() const { return x_; }
    double low() const { return low_; }
    double high() const { return high_; }
    const Ranked& ranked();
    const Ranked& negated();

    // Whether min-max scaling has nothing to divide by.
    bool flat() const { return !(high_ / 2 - low_ / 2 > 0); }
    const Ranked& scaled();

    // Rows of uniform, or of uniform-ends, for every budget, one budget after the other; kept as long as curves have as
    // many frames.
    const std::int32_t* centres() { return even(centres_, false); }
    const std::int32_t* ends() { return even(ends_, true); }

    // `count` numbers of a draw with one of the seeds.
    const double* uniforms(std::size_t draw, std::size_t seed, std::size_t count);

    Best& best() { return best_; }

    // Words for the bits of one selection per budget; zero where `clear`.
    std::uint64_t* words(bool clear);

    // Rows of the k best of `ranked` for each budget, k = min(budget, n), to the cells of one seed, or of all where seed is
    // seeds().
    void write_best(const Ranked& ranked, std::span<Cell> cells, std::size_t seed);

    // For rules that do not draw: what stands in the first seed's cell of each budget is copied to the others'.
    void repeat(std::span<Cell> cells) const;

    Scratch<double> spare;  // these are for one rule at a time
    Scratch<double> spare_more;
    Scratch<double> spare_numbers;
    Scratch<double> spare_squares;
    Scratch<Step> spare_steps;
    Scratch<std::int32_t> spare_rows;
    Scratch<Cell> spare_cells;
    Scratch<std::uint64_t> found;
    Scratch<std::size_t> ks;

  private:
    struct Even {
        std::size_t n = 0;  // of how many frames the rows are
        Scratch<std::int32_t> rows;
    };

    const std::int32_t* even(Even& kept, bool ends);

    const Loops& loops_;
    const Wanted& wanted_;
    Best best_;
    const double* x_ = nullptr;
    std::size_t n_ = 0;
    double low_ = 0;
    double high_ = 0;
    std::string text_;
    std::string_view of_prompt_;

    // n is 0 until they are asked for.
    Ranked ranked_{};
    Ranked negated_{};
    Ranked scaled_{};
    Scratch<Step> ranked_steps_;
    Scratch<double> negated_numbers_;
    Scratch<Step> negated_steps_;
    Scratch<double> scaled_numbers_;
    Scratch<Step> scaled_steps_;
    Even centres_;
    Even ends_;
    std::vector<std::size_t> drawn_;         // by draw and seed: how many numbers
    std::vector<Scratch<double>> uniforms_;  // likewise
    Scratch<std::uint64_t> words_;
};

// The rules, but mmr: the rows of every budget and seed to cells[budget * seeds + seed]. The rule of each is that of the
// class of the same name in framedex.select.
void choose(const rules::Uniform& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::UniformEnds& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Random& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Extreme& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Threshold& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Window& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Drop& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Aks& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::Bolt& rule, Curve& curve, std::span<Cell> cells);
void choose(const rules::QFrame& rule, Curve& curve, std::span<Cell> cells);

// B - ⌊rate·B⌋.
std::size_t kept_by(const rules::Drop& rule, std::size_t taken);

}  // namespace framedex
