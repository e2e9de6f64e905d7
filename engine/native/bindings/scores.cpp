// framedex._native.scores_f16: shapes are checked here, once; the kernels trust them.
#include "framedex/scores.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <memory>
#include <string>

#include "topics.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace framedex {

namespace {

using Array = nb::ndarray<nb::ro, nb::device::cpu>;
using Scores = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

constexpr std::uint8_t kFloat = static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float);

std::string shape_of(const Array& array) {
    std::string text = "(";
    for (std::size_t i = 0; i < array.ndim(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(array.shape(i));
    }
    return text + ")";
}

bool is_c_contiguous(const Array& array) {
    if (array.size() == 0) {  // the strides of nothing mean nothing
        return true;
    }
    std::int64_t expected = 1;
    for (std::size_t i = array.ndim(); i-- > 0;) {
        if (array.shape(i) > 1 && array.stride(i) != expected) {
            return false;
        }
        expected *= static_cast<std::int64_t>(array.shape(i));
    }
    return true;
}

void check_array(const Array& array, const std::string& name, std::uint8_t bits) {
    if (array.dtype() != nb::dlpack::dtype{kFloat, bits, 1}) {
        throw nb::type_error(("[scores_f16] expected " + name + " of dtype float" + std::to_string(bits)).c_str());
    }
    if (array.ndim() != 2) {
        throw nb::value_error(
            ("[scores_f16] expected " + name + " with two dimensions (rows, d), got shape " + shape_of(array)).c_str());
    }
    if (!is_c_contiguous(array)) {
        throw nb::value_error(
            ("[scores_f16] expected " + name + " C-contiguous, got gaps or another order in shape " + shape_of(array))
                .c_str());
    }
}

SimdLevel level_named(const std::string& name) {
    for (const SimdLevel level : {SimdLevel::portable, SimdLevel::avx2}) {
        if (name == simd_name(level)) {
            if (level > best_simd_level()) {
                throw nb::value_error("[scores_f16] this processor does not run the level avx2; use portable");
            }
            return level;
        }
    }
    throw nb::value_error(("[scores_f16] expected level portable or avx2, got '" + name + "'").c_str());
}

Scores scores_of(const Array& prompts, const Array& matrix, int threads, const std::string& level) {
    check_array(prompts, "prompts", 32);
    check_array(matrix, "matrix", 16);
    if (reinterpret_cast<std::uintptr_t>(prompts.data()) % alignof(float) != 0) {
        throw nb::value_error("[scores_f16] expected prompts aligned to 4 bytes; pass a copy");
    }
    if (prompts.shape(1) != matrix.shape(1)) {
        const std::string message = "[scores_f16] prompts have d=" + std::to_string(prompts.shape(1)) +
                                    ", matrix has d=" + std::to_string(matrix.shape(1));
        throw nb::value_error(message.c_str());
    }
    if (threads < 1) {
        throw nb::value_error(("[scores_f16] expected threads >= 1, got " + std::to_string(threads)).c_str());
    }
    const FloatMatrix prompt_rows{static_cast<const float*>(prompts.data()), prompts.shape(0), prompts.shape(1)};
    const HalfMatrix frame_rows{static_cast<const std::byte*>(matrix.data()), matrix.shape(0), matrix.shape(1)};
    const SimdLevel simd = level.empty() ? best_simd_level() : level_named(level);

    auto scores = std::make_unique<float[]>(prompt_rows.rows * frame_rows.rows);
    {
        nb::gil_scoped_release released;
        scores_f16(prompt_rows, frame_rows, scores.get(), threads, simd);
    }
    float* data = scores.release();
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    return Scores(data, {prompt_rows.rows, frame_rows.rows}, owner);
}

}  // namespace

void bind_scores(nb::module_& m) {
    m.def("simd_level", [] { return simd_name(best_simd_level()); });
    m.def("scores_f16", &scores_of, "prompts"_a, "matrix"_a, nb::kw_only(), "threads"_a, "level"_a = "");
}

}  // namespace framedex
