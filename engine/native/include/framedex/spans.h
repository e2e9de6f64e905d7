// Views of matrices that somebody else owns: row-major, without gaps.
#pragma once

#include <cstddef>

namespace framedex {

// rows × cols of float32, aligned.
struct FloatMatrix {
    const float* data;
    std::size_t rows;
    std::size_t cols;

    const float* row(std::size_t i) const { return data + i * cols; }
};

// rows × cols of IEEE binary16, little endian, at any byte address: a memory-mapped file puts its codes where it likes.
struct HalfMatrix {
    const std::byte* data;
    std::size_t rows;
    std::size_t cols;

    const std::byte* row(std::size_t i) const { return data + i * cols * 2; }
};

}  // namespace framedex
