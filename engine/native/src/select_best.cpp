#include "select_best.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kEvery = std::numeric_limits<std::size_t>::max();
// So many passes halve the range of numbers alone; then it is drawn in to the numbers that lie in it, too.
constexpr int kPlainPasses = 10;
// So many halve the range; then it is its representable numbers that are halved, of which there are 2^64.
constexpr int kValuePasses = 40;

// Whole numbers in the order of the doubles, the two zeros one.
std::int64_t place_of(double value) {
    const auto pattern = std::bit_cast<std::int64_t>(value);
    return pattern < 0 ? std::numeric_limits<std::int64_t>::min() - pattern : pattern;
}

double double_at(std::int64_t place) {
    return std::bit_cast<double>(place < 0 ? std::numeric_limits<std::int64_t>::min() - place : place);
}

double between(double least, double beyond, bool by_value) {
    const double middle = least / 2 + beyond / 2;
    if (by_value && middle > least && middle < beyond) {
        return middle;
    }
    const std::int64_t a = place_of(least);
    const std::int64_t b = place_of(beyond);
    return double_at((a & b) + ((a ^ b) >> 1));
}

// The same by sorting, for numbers that are not all finite.
void sorted_bits(const double* x, std::size_t n, std::size_t k, std::uint64_t* words) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [x](std::size_t a, std::size_t b) { return x[a] > x[b]; });
    std::fill_n(words, words_of(n), 0);
    for (std::size_t i = 0; i < k; ++i) {
        set_bit(words, order[i]);
    }
}

void add_bits(const std::uint64_t* added, std::size_t size, std::uint64_t* words) {
    for (std::size_t i = 0; i < size; ++i) {
        words[i] |= added[i];
    }
}

}  // namespace

std::size_t count_bits(const std::uint64_t* words, std::size_t n) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < words_of(n); ++i) {
        count += static_cast<std::size_t>(std::popcount(words[i]));
    }
    return count;
}

std::int32_t* write_all_rows(std::size_t n, std::int32_t* rows) {
    std::iota(rows, rows + n, 0);
    return rows + n;
}

Ranked rank(const Loops& loops, const double* x, std::size_t n, double low, double high, Scratch<Step>& room) {
    Step* steps = room.of(padded_steps(n));
    return {x, loops.step(x, n, low, high, steps) ? steps : nullptr, n, low, high, n};
}

void Best::bits(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words) {
    if (ranked.steps == nullptr) {
        bits_of_numbers(ranked, ks, words);
        return;
    }
    const std::size_t size = words_of(ranked.n);
    Sought* sought = sought_.of(ks.size());
    for (std::size_t i = 0; i < ks.size(); ++i) {
        sought[i] = {ks[i], ranked.free, nullptr};
    }
    Level* levels = levels_.of(ks.size());
    loops_.levels(ranked.steps, ranked.n, sought, ks.size(), levels);
    for (std::size_t i = 0; i < ks.size(); ++i) {
        const bool whole = levels[i].reached == ks[i];
        loops_.step_bits(ranked.steps, ranked.n, levels[i].least + (whole ? 0 : 1), words + i * size);
        if (!whole) {
            resolve(ranked, levels[i], ks[i] - levels[i].above, words + i * size);
        }
    }
}

void Best::top_up(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words) {
    const std::size_t size = words_of(ranked.n);
    Sought* sought = sought_.of(ks.size());
    std::uint64_t** short_of = short_.of(ks.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < ks.size(); ++i) {
        short_of[count] = words + i * size;
        const std::size_t given = count_bits(short_of[count], ranked.n);
        if (given < ks[i]) {
            sought[count] = {ks[i] - given, ranked.n - given, short_of[count]};
            ++count;
        }
    }
    std::uint64_t* added = added_.of(size);
    if (ranked.steps == nullptr) {
        for (std::size_t i = 0; i < count; ++i) {
            bits_of_others(ranked, sought[i], added);
            add_bits(added, size, short_of[i]);
        }
        return;
    }
    Level* levels = levels_.of(count);
    loops_.levels(ranked.steps, ranked.n, sought, count, levels);
    for (std::size_t i = 0; i < count; ++i) {
        const bool whole = levels[i].reached == sought[i].k;
        loops_.step_bits(ranked.steps, ranked.n, levels[i].least + (whole ? 0 : 1), added);
        add_bits(added, size, short_of[i]);
        if (!whole) {
            resolve(ranked, levels[i], sought[i].k - levels[i].above, short_of[i]);
        }
    }
}

void Best::bits_of_others(const Ranked& ranked, const Sought& sought, std::uint64_t* words) {
    double* others = others_.of(padded(ranked.n));
    std::copy_n(ranked.x, padded(ranked.n), others);
    for (std::size_t i = 0; i < words_of(ranked.n); ++i) {
        for (std::uint64_t word = sought.given[i]; word != 0; word &= word - 1) {
            others[64 * i + static_cast<std::size_t>(std::countr_zero(word))] = -kInfinity;
        }
    }
    bits_of_numbers({others, nullptr, ranked.n, ranked.low, ranked.high, sought.taken}, {&sought.k, 1}, words);
}

void Best::resolve(const Ranked& ranked, const Level& level, std::size_t left, std::uint64_t* words) {
    if (left == 0) {
        return;
    }
    std::uint64_t* bits = level_bits_.of(words_of(ranked.n));
    loops_.step_bits(ranked.steps, ranked.n, level.least, bits);
    for (std::size_t i = 0; i < words_of(ranked.n); ++i) {
        bits[i] &= ~words[i];
    }
    const std::size_t count = level.reached - level.above;
    std::int32_t* rows = level_rows_.of(count);
    loops_.write_rows(bits, ranked.n, rows);
    double* numbers = level_numbers_.of(padded(count));
    double low = kInfinity;
    double high = -kInfinity;
    for (std::size_t i = 0; i < count; ++i) {
        numbers[i] = ranked.x[rows[i]];
        low = std::min(low, numbers[i]);
        high = std::max(high, numbers[i]);
    }
    std::fill(numbers + count, numbers + padded(count), -kInfinity);
    if (low == high) {  // the earlier ones
        for (std::size_t i = 0; i < left; ++i) {
            set_bit(words, static_cast<std::size_t>(rows[i]));
        }
        return;
    }
    bits_of_numbers({numbers, nullptr, count, low, high, count}, {&left, 1}, bits);
    for (std::size_t i = 0; i < count; ++i) {
        if ((bits[i / 64] >> i % 64 & 1) != 0) {
            set_bit(words, static_cast<std::size_t>(rows[i]));
        }
    }
}

void Best::bits_of_numbers(const Ranked& ranked, std::span<const std::size_t> ks, std::uint64_t* words) {
    const std::size_t size = words_of(ranked.n);
    if (!std::isfinite(ranked.low) || !std::isfinite(ranked.high)) {
        for (std::size_t i = 0; i < ks.size(); ++i) {
            sorted_bits(ranked.x, ranked.n, ks[i], words + i * size);
        }
        return;
    }
    Bracket* brackets = brackets_.of(ks.size());
    std::fill_n(brackets, ks.size(), Bracket{ranked.low, ranked.free, std::nextafter(ranked.high, kInfinity), 0});
    for (std::size_t i = 0; i < ks.size(); ++i) {
        if (ks[i] == 0) {
            std::fill_n(words + i * size, size, 0);
        } else {
            take(ranked, cut(ranked, ks, i, brackets), words + i * size);
        }
    }
}

Best::Cut Best::cut(const Ranked& ranked, std::span<const std::size_t> ks, std::size_t which, Bracket* brackets) {
    Bracket& bracket = brackets[which];
    const std::size_t k = ks[which];
    for (int pass = 0;; ++pass) {
        if (bracket.count == k) {
            return {bracket.least, kEvery};
        }
        double middle = between(bracket.least, bracket.beyond, pass < kValuePasses);
        if (pass >= kPlainPasses) {
            double lowest;
            double highest;
            loops_.neighbours(ranked.x, ranked.n, bracket.least, bracket.beyond, &lowest, &highest);
            if (lowest == highest) {
                return {lowest, k - bracket.beyond_count};
            }
            bracket.least = lowest;
            bracket.beyond = std::nextafter(highest, kInfinity);
            middle = between(lowest, highest, pass < kValuePasses);
            middle = middle > lowest ? middle : highest;
        }
        if (!(middle > bracket.least)) {  // there is no number between them
            return {bracket.least, k - bracket.beyond_count};
        }
        const std::size_t reached = loops_.count(ranked.x, ranked.n, middle);
        for (std::size_t other = which; other < ks.size(); ++other) {
            Bracket& each = brackets[other];
            if (reached >= ks[other] && middle > each.least) {
                each.least = middle;
                each.count = reached;
            } else if (reached < ks[other] && middle < each.beyond) {
                each.beyond = middle;
                each.beyond_count = reached;
            }
        }
    }
}

void Best::take(const Ranked& ranked, Cut cut, std::uint64_t* words) {
    loops_.bits(ranked.x, ranked.n, cut.least, words);
    if (cut.ties == kEvery) {
        return;
    }
    std::uint64_t* above = above_.of(words_of(ranked.n));
    loops_.bits(ranked.x, ranked.n, std::nextafter(cut.least, kInfinity), above);
    std::size_t left = cut.ties;
    for (std::size_t i = 0; i < words_of(ranked.n); ++i) {
        std::uint64_t equal = words[i] & ~above[i];
        const auto here = static_cast<std::size_t>(std::popcount(equal));
        if (here > left) {
            for (std::size_t dropped = here - left; dropped > 0; --dropped) {
                equal &= ~std::bit_floor(equal);
            }
        }
        left -= std::min(here, left);
        words[i] = above[i] | equal;
    }
}

}  // namespace framedex
