// The loops that samplers spend their time in, once for every instruction set. They give the same bits on each of them: sums run
// in a fixed order, nothing is contracted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framedex {

// Numbers of a vector. Arrays that loops take whole are padded to a multiple of it with -infinity, and may be read up to
// kReadBeyond numbers further.
constexpr std::size_t kWide = 8;
constexpr std::size_t kReadBeyond = 64;

constexpr std::size_t padded(std::size_t n) { return (n + kWide - 1) / kWide * kWide; }

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
    void (*negate)(const double* x, std::size_t n, double* to);                            // padded
    void (*scale)(const double* x, std::size_t n, double low, double high, double* to);    // min-max, padded
    void (*raise)(const double* x, std::size_t n, double power, double* to);               // x >= 0, power > 0
    void (*add_noise)(const double* x, std::size_t n, double tau, const double* noise, double* to);  // x / tau + noise, padded
    void (*gumbel)(const double* uniforms, std::size_t n, double* to);
    // acc[w] += x[w + j], or the maximum of both, for w < n and j = first … last - 1 one after the other. acc has room for n
    // padded; what is beyond n is unspecified.
    void (*extend_sums)(const double* x, std::size_t n, std::size_t first, std::size_t last, double* acc);
    void (*extend_maxima)(const double* x, std::size_t n, std::size_t first, std::size_t last, double* acc);
    // The first of the highest of n >= 1 numbers.
    std::size_t (*argmax)(const double* x, std::size_t n);
    // n cosines rounded to five decimals; whether all are finite.
    bool (*round_cosines)(const float* cosines, std::size_t n, double* to);
    // nearest = max(nearest, cosines); gain = share·scores - rest·nearest + bar.
    void (*marginal)(const double* scores, const double* cosines, const double* bar, double share, double rest, std::size_t n,
                     double* nearest, double* gain);
};

extern const Loops kPortableLoops;
extern const Loops kAvx2Loops;    // only where best_simd_level() says so
extern const Loops kAvx512Loops;  // the same

}  // namespace framedex
