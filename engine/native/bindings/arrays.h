// Arrays that come from Python: checked here, once, with names; the kernels trust them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string>

#include "framedex/simd.h"
#include "framedex/spans.h"

namespace framedex {

using Array = nanobind::ndarray<nanobind::ro, nanobind::device::cpu>;

// float32 (m, d), C-contiguous, aligned. `name` is what messages begin with, such as "[look_up] prompts 3".
FloatMatrix prompts_of(const Array& array, const std::string& name);

// float16 or float32 (n, d), C-contiguous, at any byte address.
StoredMatrix frames_of(const Array& array, const std::string& name);

// Scores of one video: float or double, aligned.
struct FloatRows {
    const void* data;
    std::size_t rows;
    std::size_t cols;
    bool wide;  // double
};

// float32 or float64 (m, n), C-contiguous, aligned.
FloatRows curves_of(const Array& array, const std::string& name);

// int64 (n,), every number above the one before.
void check_increasing(const Array& array, std::size_t n, const std::string& name);

// An empty name is the best level.
SimdLevel level_of(const std::string& name, const std::string& function);

void check_threads(int threads, const std::string& function);

template <typename T>
nanobind::ndarray<nanobind::numpy, T> give(std::unique_ptr<T[]> values, std::initializer_list<std::size_t> shape) {
    T* data = values.release();
    nanobind::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return nanobind::ndarray<nanobind::numpy, T>(data, shape, owner);
}

}  // namespace framedex
