// Which rows of a curve are its highest; ties go to the earlier row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scratch.h"
#include "select_loops.h"

namespace framedex {

// Padded numbers whose rows may be taken: all but those that are -infinity, of which there may be some.
struct Ranked {
    const double* x;
    std::size_t n;
    double low;   // not above any that may be taken
    double high;  // not below any
    std::size_t free;  // how many may be taken
};

inline std::size_t words_of(std::size_t n) { return (n + 63) / 64; }

inline void set_bit(std::uint64_t* words, std::size_t row) { words[row / 64] |= std::uint64_t{1} << row % 64; }

std::size_t count_bits(const std::uint64_t* words, std::size_t n);

// The rows of the bits that are set, increasing; returns the end of what it wrote.
std::int32_t* write_rows(const std::uint64_t* words, std::size_t n, std::int32_t* rows);

// Rows 0 … n - 1.
std::int32_t* write_all_rows(std::size_t n, std::int32_t* rows);

// Finds the best rows of several sizes in a few passes over the curve that all of them share.
class Best {
  public:
    explicit Best(const Loops& loops) : loops_(loops) {}

    // For each of ks, from 0 to ranked.free, the bits of the k highest: words_of(n) words each, one after the other.
    void bits(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words);

  private:
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
    Scratch<Bracket> brackets_;
    Scratch<std::uint64_t> above_;
};

}  // namespace framedex
