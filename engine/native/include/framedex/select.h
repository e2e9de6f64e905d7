// Selections: samplers × budgets × seeds over the score curves of many videos, in one call. The rules are those of
// framedex.select, whose documentation says what each does; these give the same rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "framedex/simd.h"
#include "framedex/spans.h"

namespace framedex {

namespace rules {

struct Uniform {};

struct UniformEnds {};

struct Random {
    std::size_t draw;  // which of Wanted::draws
};

struct Extreme {
    bool highest;  // top; else bottom
};

struct Threshold {
    std::optional<double> tau;  // the curve's mean where there is none
};

enum class Statistic { mean, max };

struct Window {
    bool highest;
    Statistic statistic;
    std::size_t length;  // 0: the budget
    std::size_t stride;  // >= 1
};

enum class Base { uniform, random, top, bottom };

enum class By { lowest, highest, random };

struct Drop {
    Base base;
    By by;
    std::uint64_t numerator;  // of the rate, below 2^32 as is the denominator
    std::uint64_t denominator;
    std::size_t base_draw;  // where the base is random
    std::size_t by_draw;    // where what is dropped is random
};

struct Aks {
    double t1;
    double t2;
    std::size_t depth;
    bool strict;
};

struct Bolt {
    double power;  // > 0
    bool strict;
};

struct QFrame {
    double tau;  // > 0
    std::size_t draw;
};

struct Mmr {
    double share;  // 0 … 1
};

}  // namespace rules

using Sampler = std::variant<rules::Uniform, rules::UniformEnds, rules::Random, rules::Extreme, rules::Threshold,
                             rules::Window, rules::Drop, rules::Aks, rules::Bolt, rules::QFrame, rules::Mmr>;

// Whether a sampler reads scores; embeddings.
bool reads_scores(const Sampler& sampler);
bool reads_embeddings(const Sampler& sampler);

// m curves over the n frames of one video.
struct Curves {
    std::size_t prompts = 0;
    std::size_t frames = 1;         // 1 … 2^31 - 1
    const void* scores = nullptr;   // prompts × frames, aligned; null where there are none
    bool wide = false;              // whether scores are double; else float
    StoredMatrix embeddings{};      // frames × d where a sampler reads them
    const std::int64_t* text_ends;  // prompts + 1 places in Wanted::texts: what a prompt's draws depend on
};

// A draw is Philox4x64-10 with the first 128 bits of SHA-256 over "[" seed "," text "," name "]" as its key, and gives the
// numbers that NumPy's Generator.random gives. A prompt's text is the JSON of its video, question and variant with commas
// between.
struct Wanted {
    std::span<const Sampler> samplers;
    std::span<const std::size_t> budgets;  // each >= 1
    std::span<const std::string> seeds;    // JSON
    std::span<const std::string> draws;    // names of samplers, JSON
    std::string_view texts;                // of all prompts, one after the other
};

// A text in UTF-8 as Python's json writes it where it keeps all but ASCII's control characters.
void append_json_text(std::string_view text, std::string& to);

// Selections by video, prompt, sampler, budget and seed, the last varying fastest.
struct Selections {
    std::unique_ptr<std::int32_t[]> rows;  // increasing within a selection
    std::size_t rows_count = 0;
    std::unique_ptr<std::int64_t[]> offsets;  // count + 1
    std::size_t count = 0;
    std::int64_t wrong_curve = -1;  // the first curve, of all videos, that holds a score that is no number
    std::int64_t wrong_video = -1;  // the first video with a frame whose vector is no number, as far as vectors were read
};

// Where something is wrong there are no rows. The result does not depend on `threads` >= 1, nor, but for mmr, on `level`.
Selections select_many(std::span<const Curves> videos, const Wanted& wanted, int threads, SimdLevel level);

}  // namespace framedex
