// mmr: maximal marginal relevance, for the prompts of one video side by side: they share the cosines of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "framedex/select.h"
#include "scratch.h"
#include "select_curve.h"
#include "select_loops.h"

namespace framedex {

// Greedy searches: one for each of some curves and shares. What a search takes first does not depend on how much it takes,
// so that the largest budget's holds all others.
class Searches {
  public:
    Searches(const Loops& loops, SimdLevel level) : loops_(loops), level_(level) {}

    // curves: `count` of them, padded, `stride` numbers apart. Takes `most` frames, at least 1, in each search; whether all
    // frames that were looked at have vectors of numbers.
    bool run(StoredMatrix frames, const double* curves, std::size_t count, std::size_t stride,
             std::span<const double> shares, std::size_t most);

    // The frames in the order in which they were taken.
    const std::int32_t* taken(std::size_t curve, std::size_t share) const {
        return orders_.data() + (share * curves_ + curve) * most_;
    }

  private:
    // Sees to it that the cosines of every search's last frame are there; or of all frames.
    bool look_up_cosines(StoredMatrix frames, std::size_t step);
    bool look_up_all_cosines(StoredMatrix frames);
    void ask(StoredMatrix frames, std::size_t row, std::size_t place);
    // The cosines of the first `asked` that were asked for with all frames.
    bool look_up_asked(StoredMatrix frames, std::size_t asked, double* to, std::size_t stride);

    const Loops& loops_;
    SimdLevel level_;
    std::size_t curves_ = 0;
    std::size_t most_ = 0;
    std::size_t searches_ = 0;
    std::vector<std::int32_t> orders_;
    std::vector<std::int32_t> kept_at_;  // by frame: which of the rows of kept_ has its cosines, or -1
    std::size_t kept_count_ = 0;
    Scratch<double> kept_;
    Scratch<float> asked_;
    Scratch<float> found_;
    Scratch<double> nearest_;
    Scratch<double> bars_;
    Scratch<double> gain_;
};

// Every budget's rows from the order of a search that took enough for those below n.
void choose(const std::int32_t* taken, Curve& curve, std::span<Cell> cells);

}  // namespace framedex
