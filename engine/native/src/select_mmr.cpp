#include "select_mmr.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "framedex/lookup.h"
#include "kernels.h"

namespace framedex {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Cosines that are kept for searches that come to the same frame later; then all are forgotten.
constexpr std::size_t kKeptNumbers = std::size_t{1} << 20;
// Frames whose cosines are looked up together: a pack of the kernel.
constexpr std::size_t kAskedMost = 16;

}  // namespace

bool Searches::run(StoredMatrix frames, const double* curves, std::size_t count, std::size_t stride,
                   std::span<const double> shares, std::size_t most) {
    const std::size_t n = frames.rows;
    const std::size_t width = padded(n);
    curves_ = count;
    most_ = most;
    searches_ = count * shares.size();
    orders_.resize(searches_ * most);
    kept_at_.assign(n, -1);
    kept_count_ = 0;
    double* nearest = nearest_.of(searches_ * width);
    double* bars = bars_.of(searches_ * width);
    double* gain = gain_.of(width);
    std::fill_n(nearest, searches_ * width, -kInfinity);
    std::fill_n(bars, searches_ * width, 0.0);
    for (std::size_t search = 0; search < searches_; ++search) {
        orders_[search * most] = static_cast<std::int32_t>(loops_.argmax(curves + search % count * stride, n));
    }
    // Where most frames will be taken by some search, all of them are looked up at once: full packs, and every pair once.
    const bool all = searches_ * (most - 1) >= n && n * width <= kKeptNumbers;
    if (all && !look_up_all_cosines(frames)) {
        return false;
    }
    for (std::size_t step = 1; step < most; ++step) {
        if (!all && !look_up_cosines(frames, step)) {
            return false;
        }
        for (std::size_t search = 0; search < searches_; ++search) {
            const auto last = static_cast<std::size_t>(orders_[search * most + step - 1]);
            const double* cosines = kept_.of(0) + static_cast<std::size_t>(kept_at_[last]) * width;
            const double share = shares[search / count];
            bars[search * width + last] = -kInfinity;
            loops_.marginal(curves + search % count * stride, cosines, bars + search * width, share, 1 - share, n,
                            nearest + search * width, gain);
            orders_[search * most + step] = static_cast<std::int32_t>(loops_.argmax(gain, n));
        }
    }
    return true;
}

bool Searches::look_up_all_cosines(StoredMatrix frames) {
    const std::size_t n = frames.rows;
    const std::size_t width = padded(n);
    double* kept = kept_.of(n * width);
    for (std::size_t first = 0; first < n; first += kAskedMost) {
        const std::size_t end = std::min(n, first + kAskedMost);
        for (std::size_t row = first; row < end; ++row) {
            ask(frames, row, row - first);
            kept_at_[row] = static_cast<std::int32_t>(row);
        }
        // Of two frames either's cosine is the other's to the bit, so that those of frames before are there.
        const StoredMatrix rest{frames.row(first), n - first, frames.cols, frames.type};
        if (!look_up_asked(rest, end - first, kept + first * width + first, width)) {
            return false;
        }
        for (std::size_t row = first; row < end; ++row) {
            for (std::size_t other = end; other < n; ++other) {
                kept[other * width + row] = kept[row * width + other];
            }
        }
    }
    for (std::size_t row = 0; row < n; ++row) {
        std::fill(kept + row * width + n, kept + (row + 1) * width, -kInfinity);
    }
    return true;
}

bool Searches::look_up_cosines(StoredMatrix frames, std::size_t step) {
    const std::size_t n = frames.rows;
    const std::size_t width = padded(n);
    const std::size_t room = std::min(n, std::max(searches_, kKeptNumbers / width));
    double* kept = kept_.of(room * width);
    if (room < n && kept_count_ + searches_ > room) {
        std::fill(kept_at_.begin(), kept_at_.end(), -1);
        kept_count_ = 0;
    }
    std::size_t asked = 0;
    for (std::size_t search = 0; search < searches_; ++search) {
        const auto row = static_cast<std::size_t>(orders_[search * most_ + step - 1]);
        if (kept_at_[row] < 0) {
            kept_at_[row] = static_cast<std::int32_t>(kept_count_++);
            ask(frames, row, asked++);
        }
        if (asked == kAskedMost || (search + 1 == searches_ && asked > 0)) {
            if (!look_up_asked(frames, asked, kept + (kept_count_ - asked) * width, width)) {
                return false;
            }
            asked = 0;
        }
    }
    return true;
}

void Searches::ask(StoredMatrix frames, std::size_t row, std::size_t place) {
    float* to = asked_.of(kAskedMost * frames.cols) + place * frames.cols;
    if (frames.type == Stored::float32) {
        std::memcpy(to, frames.row(row), 4 * frames.cols);
    } else {
        kernel_of(level_).widen(frames.row(row), frames.cols, to);
    }
}

bool Searches::look_up_asked(StoredMatrix frames, std::size_t asked, double* to, std::size_t stride) {
    float* found = found_.of(kAskedMost * frames.rows);
    Lookup lookup;
    lookup.prompts = {asked_.of(0), asked, frames.cols};
    lookup.frames = frames;
    lookup.scores = found;
    look_up({&lookup, 1}, 0, {}, 1, level_);
    bool good = true;
    for (std::size_t i = 0; i < asked; ++i) {
        good &= loops_.round_cosines(found + i * frames.rows, frames.rows, to + i * stride);
    }
    return good;
}

void choose(const std::int32_t* taken, Curve& curve, std::span<Cell> cells) {
    const std::size_t n = curve.n();
    for (std::size_t b = 0; b < curve.budgets().size(); ++b) {
        Cell& cell = cells[b * curve.seeds()];
        cell.count = curve.take(curve.budgets()[b]);
        if (cell.count == n) {
            write_all_rows(n, cell.rows);
            continue;
        }
        std::uint64_t* words = curve.found.of(words_of(n));
        std::fill_n(words, words_of(n), 0);
        for (std::size_t i = 0; i < cell.count; ++i) {
            set_bit(words, static_cast<std::size_t>(taken[i]));
        }
        curve.loops().write_rows(words, n, cell.rows);
    }
    curve.repeat(cells);
}

}  // namespace framedex
