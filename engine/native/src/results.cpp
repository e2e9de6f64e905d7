#include "results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace framedex {

namespace {

constexpr std::size_t kScan = 16;
// Up to here a list is kept sorted by inserting; beyond, sorting is cheaper.
constexpr std::size_t kInserted = 64;

// A score that at least `kept` <= kScan of n >= kScan scores reach: the kept-th best of the best of each column, where the
// scores are written in lines of kScan.
float reached(const float* scores, std::size_t n, std::size_t kept) {
    float best[kScan];
    std::copy(scores, scores + kScan, best);
    for (std::size_t i = kScan; i + kScan <= n; i += kScan) {
        for (std::size_t lane = 0; lane < kScan; ++lane) {
            best[lane] = std::max(best[lane], scores[i + lane]);
        }
    }
    float least = -std::numeric_limits<float>::infinity();
    for (std::size_t lane = 0; lane < kScan; ++lane) {
        std::size_t count = 0;
        for (std::size_t other = 0; other < kScan; ++other) {
            count += best[other] >= best[lane];
        }
        least = count >= kept ? std::max(least, best[lane]) : least;
    }
    return least;
}

// The best of `n` scores while they pass by, in order of time: an equal score comes after those that are there.
void insert_top(const float* scores, std::size_t n, std::size_t kept, float* top_scores, std::int64_t* top_rows) {
    std::size_t filled = 0;
    const auto insert = [&](std::size_t row) {
        const float score = scores[row];
        std::size_t at = filled < kept ? filled++ : kept - 1;
        for (; at > 0 && top_scores[at - 1] < score; --at) {
            top_scores[at] = top_scores[at - 1];
            top_rows[at] = top_rows[at - 1];
        }
        top_scores[at] = score;
        top_rows[at] = static_cast<std::int64_t>(row);
    };
    std::size_t row = 0;
    for (; row < kept; ++row) {
        insert(row);
    }
    while (row < n) {
        const std::size_t end = std::min(n, row + kScan);
        const float least = top_scores[kept - 1];
        int better = 0;
        for (std::size_t i = row; i < end; ++i) {
            better += scores[i] > least;
        }
        for (; better != 0 && row < end; ++row) {
            if (scores[row] > top_scores[kept - 1]) {
                insert(row);
            }
        }
        row = end;
    }
}

// As insert_top, for kept <= kScan <= n: only scores that reach a bound come near the list, a few more than are kept.
void insert_reached(const float* scores, std::size_t n, std::size_t kept, float* top_scores, std::int64_t* top_rows) {
    constexpr std::size_t room = 256;
    const float least = reached(scores, n, kept);
    std::int64_t rows[room];
    float found[room];
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        rows[count] = static_cast<std::int64_t>(i);
        found[count] = scores[i];
        count += scores[i] >= least;
        if (count == room) {  // too many reach it
            insert_top(scores, n, kept, top_scores, top_rows);
            return;
        }
    }
    insert_top(found, count, kept, top_scores, top_rows);
    for (std::size_t i = 0; i < kept; ++i) {
        top_rows[i] = rows[top_rows[i]];
    }
}

void sort_top(const float* scores, std::size_t n, std::size_t kept, float* top_scores, std::int64_t* top_rows) {
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    const auto before = [scores](std::int64_t a, std::int64_t b) {
        return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
    };
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(kept);
    if (kept < n) {
        std::nth_element(order.begin(), middle, order.end(), before);
    }
    std::sort(order.begin(), middle, before);
    for (std::size_t i = 0; i < kept; ++i) {
        top_rows[i] = order[i];
        top_scores[i] = scores[order[i]];
    }
}

float maximum(const float* values, std::size_t count) {
    float best[kScan];
    std::fill(std::begin(best), std::end(best), -std::numeric_limits<float>::infinity());
    std::size_t i = 0;
    for (; i + kScan <= count; i += kScan) {
        for (std::size_t lane = 0; lane < kScan; ++lane) {
            best[lane] = std::max(best[lane], values[i + lane]);
        }
    }
    for (; i < count; ++i) {
        best[0] = std::max(best[0], values[i]);
    }
    return *std::max_element(std::begin(best), std::end(best));
}

}  // namespace

std::size_t Windows::count(std::size_t frames) const {
    return frames <= length ? 1 : (frames - length + stride - 1) / stride + 1;
}

std::size_t Windows::begin(std::size_t window, std::size_t frames) const {
    return frames <= length ? 0 : std::min(window * stride, frames - length);
}

std::size_t Windows::end(std::size_t window, std::size_t frames) const {
    return std::min(frames, begin(window, frames) + length);
}

bool all_finite(const float* values, std::size_t count) {
    int wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        wrong |= !(std::fabs(values[i]) <= std::numeric_limits<float>::max());
    }
    return wrong == 0;
}

void fill_results(const Lookup& lookup, const float* scores, std::size_t k, Windows windows) {
    const std::size_t n = lookup.frames.rows;
    const std::size_t kept = std::min(k, n);
    const std::size_t n_windows = n == 0 ? 0 : windows.count(n);
    for (std::size_t i = 0; i < lookup.prompts.rows; ++i) {
        const float* row = scores + i * n;
        if (lookup.top_scores != nullptr && kept > 0) {
            const auto top = kept > kInserted ? sort_top : kept <= kScan && n >= 4 * kScan ? insert_reached : insert_top;
            top(row, n, kept, lookup.top_scores + i * kept, lookup.top_rows + i * kept);
        }
        if (lookup.maxima != nullptr && n > 0) {
            lookup.maxima[i] = maximum(row, n);
        }
        if (lookup.means != nullptr && n > 0) {
            lookup.means[i] = static_cast<float>(std::accumulate(row, row + n, 0.0) / static_cast<double>(n));
        }
        for (std::size_t w = 0; lookup.window_maxima != nullptr && w < n_windows; ++w) {
            const std::size_t begin = windows.begin(w, n);
            lookup.window_maxima[i * n_windows + w] = maximum(row + begin, windows.end(w, n) - begin);
        }
    }
}

}  // namespace framedex
