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

enum class Stored { float16, float32 };

// rows × cols of IEEE binary16 or binary32, little endian, at any byte address: a memory-mapped file puts its codes where
// it likes.
struct StoredMatrix {
    const std::byte* data;
    std::size_t rows;
    std::size_t cols;
    Stored type = Stored::float16;

    std::size_t row_nbytes() const { return cols * (type == Stored::float16 ? 2 : 4); }
    const std::byte* row(std::size_t i) const { return data + i * row_nbytes(); }
};

}  // namespace framedex
