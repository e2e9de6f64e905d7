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

}  // namespace

}  // namespace framedex

#include "select_loops.inc"

namespace framedex {

const Loops kPortableLoops = kLoops;

}  // namespace framedex
