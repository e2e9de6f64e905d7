// Which rows of a curve are its highest; ties go to the earlier row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scratch.h"
#include "select_loops.h"

namespace framedex {

// Padded numbers, and the same as steps; null where these cannot keep their order. Rows whose step is kNoStep are not
// taken, or, where there are no steps, those whose number is -infinity.
struct Ranked {
    const double* x;
    const Step* steps;
    std::size_t n;
    double low;        // not above any that may be taken
    double high;       // not below any
    std::size_t free;  // how many may be taken
};

// All of n padded numbers; the steps go to `room`, which has room for padded_steps(n).
Ranked rank(const Loops& loops, const double* x, std::size_t n, double low, double high, Scratch<Step>& room);

inline std::size_t words_of(std::size_t n) {
    return (n + 63) / 64;
}

inline void set_bit(std::uint64_t* words, std::size_t row) {
    words[row / 64] |= std::uint64_t{1} << row % 64;
}

std::size_t count_bits(const std::uint64_t* words, std::size_t n);

// Rows 0 … n - 1.
std::int32_t* write_all_rows(std::size_t n, std::int32_t* rows);

// Finds the best rows of several sizes in a few passes over the curve that all of them share: over its steps, and where the
// last row that is taken and the first that is not are of one level, over those of this level.
class Best {
  public:
    explicit Best(const Loops& loops) : loops_(loops) {}

    // For each of ks, from 0 to ranked.free, the bits of the k highest: words_of(n) words each, one after the other.
    void bits(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words);

    // Adds to such words of other rows the highest of the rest until there are k, where there are fewer. ranked is of all
    // rows, and k at most n.
    void top_up(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words);

  private:
    // The numbers of one level in place of steps that do not tell them apart: adds the best `left` of them.
    void resolve(const Ranked& ranked, const Level& level, std::size_t left, std::uint64_t* words);
    void bits_of_others(const Ranked& ranked, const Sought& sought, std::uint64_t* words);
    void bits_of_numbers(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words);

    struct Bracket {
        double least;  // at least k rows reach it
        std::size_t count;
        double beyond;  // fewer than k do
        std::size_t beyond_count;
    };

    // The rows at or above `least`, of those equal to it the first `ties` alone.
    struct Cut {
        double least;
        std::size_t ties;
    };

    Cut cut(const Ranked& ranked, std::span<const std::size_t> ks, std::size_t which, Bracket* brackets);
    void take(const Ranked& ranked, Cut cut, std::uint64_t* words);

    const Loops& loops_;
    Scratch<Sought> sought_;
    Scratch<std::uint64_t*> short_;
    Scratch<Level> levels_;
    Scratch<double> others_;
    Scratch<Bracket> brackets_;
    Scratch<std::uint64_t> above_;
    Scratch<std::uint64_t> added_;
    Scratch<std::uint64_t> level_bits_;
    Scratch<double> level_numbers_;
    Scratch<std::int32_t> level_rows_;
};

}  // namespace framedex
