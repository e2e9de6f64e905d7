// The loops that samplers spend their time in, once for every instruction set. They give the same bits on each of them:
// sums run in a fixed order, nothing is contracted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framedex {

// Numbers of a vector. Arrays that loops take whole are padded to a multiple of it with -infinity, and may be read up to
// kReadBeyond numbers further.
constexpr std::size_t kWide = 8;
constexpr std::size_t kReadBeyond = 64;

constexpr std::size_t padded(std::size_t n) {
    return (n + kWide - 1) / kWide * kWide;
}

// Steps: numbers in 65,535 levels, -32,767 to 32,767, which keep their order. kNoStep is below all: padding, up to a
// multiple of 64 steps, and rows that are not to be taken.
using Step = std::int16_t;
constexpr Step kNoStep = -32768;

constexpr std::size_t padded_steps(std::size_t n) {
    return (n + 63) / 64 * 64;
}

// The k best of `taken` steps above kNoStep, k from 1 to `taken`: of all, or of those whose bits are not given.
struct Sought {
    std::size_t k;
    std::size_t taken;
    const std::uint64_t* given;  // null: of all
};

// The level that the k-th highest step lies in: of `reached` steps that are at least `least`, `above` are higher.
struct Level {
    int least;
    std::size_t reached;
    std::size_t above;
};

// So many numbers are few.
constexpr std::size_t kFew = 32;

// `count` numbers: first + i·step, but for the last of them. step > 0.
struct Steps {
    std::size_t count;
    double first;
    double step;
    double last;

    double operator[](std::size_t i) const { return i == count - 1 ? last : static_cast<double>(i) * step + first; }
};

struct Loops {
    // n numbers to doubles, padded; whether all are finite.
    bool (*load_float)(const float* from, std::size_t n, double* to);
    bool (*load_double)(const double* from, std::size_t n, double* to);
    // Lowest and highest of n >= 1 numbers.
    void (*extremes)(const double* x, std::size_t n, double* low, double* high);
    // How many of the padded n are at least `least`, which is above -infinity.
    std::size_t (*count)(const double* x, std::size_t n, double least);
    // The same as bits: (n + 63) / 64 words.
    void (*bits)(const double* x, std::size_t n, double least, std::uint64_t* words);
    // The lowest number that is at least `least`, and the highest below `beyond`.
    void (*neighbours)(const double* x, std::size_t n, double least, double beyond, double* lowest, double* highest);
    // Numbers from low to high as steps; whether their order can be kept.
    bool (*step)(const double* x, std::size_t n, double low, double high, Step* steps);
    // The levels of several; one with exactly k steps where there is one.
    void (*levels)(const Step* steps, std::size_t n, const Sought* sought, std::size_t count, Level* levels);
    // Which of n steps are at least `least`, above kNoStep and at most 32,768, as bits: (n + 63) / 64 words.
    void (*step_bits)(const Step* steps, std::size_t n, int least, std::uint64_t* words);
    // The bits of the k highest of n numbers, n up to kFew, ties to the earlier: each is compared with all others. Padded.
    std::uint64_t (*few_bits)(const double* x, std::size_t n, std::size_t k);
    // The rows of the bits that are set, increasing; how many.
    std::size_t (*write_rows)(const std::uint64_t* words, std::size_t n, std::int32_t* rows);
    // The sum: eight sums side by side, of every eighth number each, then of these from the first on.
    double (*total)(const double* x, std::size_t n);
    // Sums up to every number, n + 1 of them from 0 on, in no order that is promised.
    void (*quick_sums)(const double* x, std::size_t n, double* sums);
    void (*divide)(const double* x, std::size_t n, double by, double* to);  // padded
    // Which of n increasing shares, the last counted as above all, are the first to reach a quantile. room: padded(n) +
    // kWide.
    void (*quantile_bits)(const double* shares, std::size_t n, const Steps& quantiles, double* room, std::uint64_t* words);
    // to[w] = sign·(sums[w + length] - sums[w]) for w < n, padded; the largest of them.
    double (*window_sums)(const double* sums, std::size_t n, std::size_t length, double sign, double* to);
    // to[i] = the maximum of x[i] and x[i + shift].
    void (*pair_maxima)(const double* x, std::size_t n, std::size_t shift, double* to);
    void (*negate)(const double* x, std::size_t n, double* to);                          // padded
    void (*scale)(const double* x, std::size_t n, double low, double high, double* to);  // min-max, padded
    void (*raise)(const double* x, std::size_t n, double power, double* to);             // x >= 0, power > 0
    void (*add_noise)(const double* x, std::size_t n, double tau, const double* noise,
                      double* to);  // x / tau + noise, padded
    void (*gumbel)(const double* uniforms, std::size_t n, double* to);
    // acc[w] += x[w + j] for w < n and j = first … last - 1 one after the other. acc has room for n padded; what is beyond
    // n is unspecified.
    void (*extend_sums)(const double* x, std::size_t n, std::size_t first, std::size_t last, double* acc);
    // The first of the highest of n >= 1 numbers.
    std::size_t (*argmax)(const double* x, std::size_t n);
    // n cosines rounded to five decimals; whether all are finite.
    bool (*round_cosines)(const float* cosines, std::size_t n, double* to);
    // nearest = max(nearest, cosines); gain = share·scores - rest·nearest + bar.
    void (*marginal)(const double* scores, const double* cosines, const double* bar, double share, double rest,
                     std::size_t n, double* nearest, double* gain);
};

extern const Loops kPortableLoops;
extern const Loops kAvx2Loops;    // only where best_simd_level() says so
extern const Loops kAvx512Loops;  // the same

}  // namespace framedex
