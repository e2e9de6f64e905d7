// What is made of scores, against plain sorts and loops; few distinct values, so that ties are everywhere.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.h"
#include "results.h"

namespace {

using framedex::Lookup;
using framedex::Windows;

void check_top(const std::vector<float>& scores, std::size_t k) {
    const std::size_t n = scores.size();
    const std::size_t kept = std::min(k, n);
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) {
        order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    std::vector<float> top(kept);
    std::vector<std::int64_t> rows(kept);
    Lookup lookup;
    lookup.prompts = {nullptr, 1, 1};
    lookup.frames = {nullptr, n, 1};
    lookup.top_scores = top.data();
    lookup.top_rows = rows.data();
    framedex::fill_results(lookup, scores.data(), k, {});
    for (std::size_t i = 0; i < kept; ++i) {
        CHECK(rows[i] == static_cast<std::int64_t>(order[i]));
        CHECK(top[i] == scores[order[i]]);
    }
}

void check_statistics(const std::vector<float>& scores, Windows windows) {
    const std::size_t n = scores.size();
    float maximum = 0;
    float mean = 0;
    std::vector<float> window_maxima(windows.count(n));
    Lookup lookup;
    lookup.prompts = {nullptr, 1, 1};
    lookup.frames = {nullptr, n, 1};
    lookup.maxima = &maximum;
    lookup.means = &mean;
    lookup.window_maxima = window_maxima.data();
    framedex::fill_results(lookup, scores.data(), 0, windows);
    double sum = 0;
    for (const float score : scores) {
        sum += score;
    }
    CHECK(maximum == *std::max_element(scores.begin(), scores.end()));
    CHECK(mean == static_cast<float>(sum / static_cast<double>(n)));

    // The definition: starts every `stride` frames while a whole window fits, and one more that ends with the video.
    std::vector<std::size_t> starts;
    for (std::size_t start = 0; start + windows.length <= n; start += windows.stride) {
        starts.push_back(start);
    }
    if (starts.empty()) {
        starts.push_back(0);
    } else if (starts.back() + windows.length < n) {
        starts.push_back(n - windows.length);
    }
    CHECK(starts.size() == window_maxima.size());
    for (std::size_t w = 0; w < starts.size(); ++w) {
        float best = scores[starts[w]];
        for (std::size_t i = starts[w]; i < std::min(n, starts[w] + windows.length); ++i) {
            best = std::max(best, scores[i]);
        }
        CHECK(window_maxima[w] == best);
    }
}

void check_finite() {
    for (std::size_t n = 1; n < 40; ++n) {
        for (const float wrong : {std::nanf(""), INFINITY, -INFINITY}) {
            std::vector<float> values(n, -3.0f);
            CHECK(framedex::all_finite(values.data(), n));
            values[n / 2] = wrong;
            CHECK(!framedex::all_finite(values.data(), n));
        }
    }
}

}  // namespace

int main() {
    std::mt19937 random(7);
    for (std::size_t n = 0; n < 300; n += n < 20 ? 1 : 37) {
        for (const unsigned distinct : {1u, 3u, 1000u}) {
            std::vector<float> scores(n);
            for (float& score : scores) {
                score = static_cast<float>(random() % distinct) / 10.0f - 3.0f;
            }
            for (const std::size_t k : {0u, 1u, 2u, 8u, 63u, 64u, 65u, 299u, 1000u}) {
                check_top(scores, k);
            }
            for (const std::size_t length : {1u, 2u, 8u, 17u, 400u}) {
                for (const std::size_t stride : {1u, 3u, 8u, 50u}) {
                    if (n > 0) {
                        check_statistics(scores, {length, stride});
                    }
                }
            }
        }
    }
    check_top({0.0f, -0.0f, 0.0f, -0.0f}, 3);  // equal, whatever the sign
    check_top({-INFINITY, 1.0f, -INFINITY, INFINITY}, 3);
    check_finite();
    return 0;
}
