// Two doubles at once, as every processor of 64 bits has them.
#include <cmath>
#include <cstring>
#include <limits>

#include "select_loops.h"
#include "select_series.h"

#define FRAMEDEX_LOOP

namespace framedex {

namespace {

constexpr std::size_t kLanes = 2;

inline std::uint64_t bits_of_eight(const double* x, double least) {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        found |= static_cast<std::uint64_t>(x[i] >= least) << i;
    }
    return found;
}

inline std::uint64_t bits_of_steps(const Step* steps, int least) {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < 64; ++i) {
        found |= static_cast<std::uint64_t>(steps[i] >= least) << i;
    }
    return found;
}

inline std::size_t write_rows(const std::uint64_t* words, std::size_t n, std::int32_t* rows) {
    std::size_t count = 0;
    for (std::size_t i = 0; 64 * i < n; ++i) {
        for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
            rows[count++] = static_cast<std::int32_t>(64 * i) + __builtin_ctzll(word);
        }
    }
    return count;
}

}  // namespace

}  // namespace framedex

#include "select_loops.inc"

namespace framedex {

const Loops kPortableLoops = kLoops;

}  // namespace framedex
