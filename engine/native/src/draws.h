// Random numbers that depend on a text and on nothing else: those of framedex.select.base.DrawKey.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace framedex {

// SHA-256 (FIPS 180-4).
std::array<std::uint8_t, 32> sha256(std::string_view message);

// n numbers in [0, 1): NumPy's Generator(Philox(key)).random(n), key the first 128 bits of the text's SHA-256, the first
// byte the most significant.
void draw_uniforms(std::string_view text, std::size_t n, double* uniforms);

}  // namespace framedex
