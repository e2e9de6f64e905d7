// Conversion of IEEE binary16 to float32 without hardware support.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace framedex {

inline float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) {  // infinity or NaN: the exponent becomes all ones, the payload is kept
        return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x03ffu) << 13));
    }
    if (magnitude < 0x0400u) {  // zero or denormal: a multiple of 2^-24, exact in float32
        const float value = static_cast<float>(magnitude) * 0x1p-24f;
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
    }
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));  // the exponent's bias goes from 15 to 127
}

// The half at `address`, which need not be even.
inline float load_half(const std::byte* address) {
    std::uint16_t half;
    std::memcpy(&half, address, sizeof half);
    return half_to_float(half);
}

}  // namespace framedex
