// framedex._native.look_up, and scores_f16, which is a look-up of one video.
#include "framedex/lookup.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "topics.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace framedex {

namespace {

void check_width(const Lookup& lookup, const std::string& prompts, const std::string& frames) {
    if (lookup.prompts.cols != lookup.frames.cols) {
        const std::string message = prompts + " have d=" + std::to_string(lookup.prompts.cols) + ", " + frames +
                                    " have d=" + std::to_string(lookup.frames.cols);
        throw nb::value_error(message.c_str());
    }
}

auto scores_of(const Array& prompts, const Array& matrix, int threads, const std::string& level) {
    Lookup lookup;
    lookup.prompts = prompts_of(prompts, "[scores_f16] prompts");
    lookup.frames = frames_of(matrix, "[scores_f16] matrix");
    if (lookup.frames.type != Stored::float16) {
        throw nb::type_error("[scores_f16] matrix: expected dtype float16");
    }
    check_width(lookup, "[scores_f16] prompts", "matrix rows");
    check_threads(threads, "scores_f16");
    const SimdLevel simd = level_of(level, "scores_f16");
    const std::size_t m = lookup.prompts.rows;
    const std::size_t n = lookup.frames.rows;
    auto scores = std::make_unique_for_overwrite<float[]>(m * n);
    lookup.scores = scores.get();
    {
        nb::gil_scoped_release released;
        look_up({&lookup, 1}, 0, {}, threads, simd);
    }
    return give(std::move(scores), {m, n});
}

// One result of all videos, one after the other in memory.
template <typename T>
class Results {
  public:
    Results(bool wanted, std::size_t count) {
        if (wanted) {
            values_ = std::make_unique_for_overwrite<T[]>(count);
            next_ = values_.get();
            count_ = count;
        }
    }

    T* take(std::size_t count) {
        T* taken = next_;
        next_ = next_ == nullptr ? nullptr : next_ + count;
        return taken;
    }

    nb::object give_away() { return next_ == nullptr ? nb::none() : nb::cast(give(std::move(values_), {count_})); }

  private:
    std::unique_ptr<T[]> values_;
    T* next_ = nullptr;
    std::size_t count_ = 0;
};

struct Counts {
    std::size_t prompts = 0;
    std::size_t scores = 0;
    std::size_t top = 0;
    std::size_t windows = 0;
};

Counts counts_of(const Lookup& lookup, std::size_t k, Windows windows) {
    const std::size_t m = lookup.prompts.rows;
    const std::size_t n = lookup.frames.rows;
    return {m, m * n, m * std::min(k, n), n == 0 ? 0 : m * windows.count(n)};
}

std::vector<Lookup> lookups_of(const nb::sequence& prompts, const nb::sequence& frames, std::vector<Array>& held) {
    const std::size_t videos = nb::len(frames);
    if (nb::len(prompts) != videos) {
        throw nb::value_error(("[look_up] expected prompts for each video, got " + std::to_string(nb::len(prompts)) +
                               " prompts and " + std::to_string(videos) + " videos")
                                  .c_str());
    }
    std::vector<Lookup> lookups(videos);
    held.reserve(2 * videos);
    const auto array_at = [&](const nb::sequence& arrays, std::size_t i, const std::string& name) -> const Array& {
        Array array;
        if (!nb::try_cast<Array>(arrays[i], array)) {
            throw nb::type_error((name + ": expected an array").c_str());
        }
        return held.emplace_back(std::move(array));
    };
    for (std::size_t i = 0; i < videos; ++i) {
        const std::string prompts_name = "[look_up] prompts " + std::to_string(i);
        const std::string frames_name = "[look_up] frames " + std::to_string(i);
        lookups[i].prompts = prompts_of(array_at(prompts, i, prompts_name), prompts_name);
        lookups[i].frames = frames_of(array_at(frames, i, frames_name), frames_name);
        check_width(lookups[i], prompts_name, "frames");
    }
    return lookups;
}

nb::tuple look_up_all(const nb::sequence& prompts, const nb::sequence& frames, int threads, bool scores, std::int64_t k,
                      bool statistics, std::int64_t window_length, std::int64_t window_stride, const std::string& level) {
    if (k < 0) {
        throw nb::value_error(("[look_up] k: expected 0 or more, got " + std::to_string(k)).c_str());
    }
    if (window_length < 0 || window_stride < 1) {
        throw nb::value_error(("[look_up] windows: expected a length of 0 (none) or more and a stride of 1 or more, got " +
                               std::to_string(window_length) + " and " + std::to_string(window_stride))
                                  .c_str());
    }
    check_threads(threads, "look_up");
    const SimdLevel simd = level_of(level, "look_up");
    std::vector<Array> held;
    std::vector<Lookup> lookups = lookups_of(prompts, frames, held);
    const Windows windows{static_cast<std::size_t>(std::max<std::int64_t>(1, window_length)),
                          static_cast<std::size_t>(window_stride)};
    const auto kept = static_cast<std::size_t>(k);
    Counts all;
    for (const Lookup& lookup : lookups) {
        const Counts counts = counts_of(lookup, kept, windows);
        all.prompts += counts.prompts;
        all.scores += counts.scores;
        all.top += counts.top;
        all.windows += counts.windows;
    }
    Results<float> all_scores(scores, all.scores);
    Results<float> top_scores(k > 0, all.top);
    Results<std::int64_t> top_rows(k > 0, all.top);
    Results<float> maxima(statistics, all.prompts);
    Results<float> means(statistics, all.prompts);
    Results<float> window_maxima(window_length > 0, all.windows);
    for (Lookup& lookup : lookups) {
        const Counts counts = counts_of(lookup, kept, windows);
        lookup.scores = all_scores.take(counts.scores);
        lookup.top_scores = top_scores.take(counts.top);
        lookup.top_rows = top_rows.take(counts.top);
        lookup.maxima = maxima.take(counts.prompts);
        lookup.means = means.take(counts.prompts);
        lookup.window_maxima = window_maxima.take(counts.windows);
    }
    {
        nb::gil_scoped_release released;
        look_up(lookups, kept, windows, threads, simd);
    }
    std::int64_t wrong = -1;
    for (std::size_t i = lookups.size(); i-- > 0;) {
        wrong = lookups[i].finite ? wrong : static_cast<std::int64_t>(i);
    }
    return nb::make_tuple(all_scores.give_away(), top_scores.give_away(), top_rows.give_away(), maxima.give_away(),
                          means.give_away(), window_maxima.give_away(), wrong);
}

}  // namespace

void bind_lookup(nb::module_& m) {
    m.def("simd_level", [] { return simd_name(best_simd_level()); });
    m.def("scores_f16", &scores_of, "prompts"_a, "matrix"_a, nb::kw_only(), "threads"_a, "level"_a = "");
    m.def("look_up", &look_up_all, "prompts"_a, "frames"_a, nb::kw_only(), "threads"_a, "scores"_a = true, "k"_a = 0,
          "statistics"_a = false, "window_length"_a = 0, "window_stride"_a = 1, "level"_a = "");
}

}  // namespace framedex
