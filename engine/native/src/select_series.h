// Series of logarithm and exponential, as framedex.select.arithmetic has them.
#pragma once

#include <array>
#include <cstddef>

namespace framedex {

constexpr double kRootHalf = 0x1.6a09e667f3bcdp-1;  // sqrt(1/2)
constexpr double kInverseLn2 = 0x1.71547652b82fep0;
// ln 2 = high + low; high has 32 bits, so that products with exponents are exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// 2·atanh(s) = 2·s + s·z·(2/3 + 2/5·z + 2/7·z² …), z = s²: the coefficients, the last first.
constexpr std::size_t kAtanhTerms = 9;
constexpr std::array<double, kAtanhTerms> kAtanh = [] {
    std::array<double, kAtanhTerms> terms{};
    for (std::size_t i = 0; i < kAtanhTerms; ++i) {
        terms[kAtanhTerms - 1 - i] = 2.0 / static_cast<double>(2 * i + 3);
    }
    return terms;
}();

// 1/k!, the last first.
constexpr std::size_t kExpTerms = 14;
constexpr std::array<double, kExpTerms> kExp = [] {
    std::array<double, kExpTerms> terms{};
    double factorial = 1;
    for (std::size_t k = 0; k < kExpTerms; ++k) {
        factorial *= k == 0 ? 1.0 : static_cast<double>(k);
        terms[kExpTerms - 1 - k] = 1.0 / factorial;
    }
    return terms;
}();

}  // namespace framedex
