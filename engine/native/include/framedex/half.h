// Conversion of IEEE binary16 to float32 without hardware support.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace framedex {

// Without branches, so that the compiler can convert many at once.
inline float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t magnitude = half & 0x7fffu;
    // Zero and denormals are multiples of 2^-24, exact in float32.
    const float small = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f;
    // The exponent's bias goes from 15 to 127; that of infinity and NaN becomes all ones, the payload is kept.
    const std::uint32_t rebias = magnitude >= 0x7c00u ? 0x70000000u : 0x38000000u;
    const std::uint32_t normal = (magnitude << 13) + rebias;
    return std::bit_cast<float>(sign | (magnitude < 0x0400u ? std::bit_cast<std::uint32_t>(small) : normal));
}

// The half at `address`, which need not be even.
inline float load_half(const std::byte* address) {
    std::uint16_t half;
    std::memcpy(&half, address, sizeof half);
    return half_to_float(half);
}

}  // namespace framedex
