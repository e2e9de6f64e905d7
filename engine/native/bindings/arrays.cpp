#include "arrays.h"

#include <cstdint>
#include <cstring>

namespace nb = nanobind;

namespace framedex {

namespace {

constexpr std::uint8_t kFloat = static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float);

bool is_float(const Array& array, std::uint8_t bits) {
    return array.dtype() == nb::dlpack::dtype{kFloat, bits, 1};
}

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

void check_layout(const Array& array, const std::string& name) {
    if (array.ndim() != 2) {
        throw nb::value_error((name + ": expected two dimensions (rows, d), got shape " + shape_of(array)).c_str());
    }
    if (!is_c_contiguous(array)) {
        throw nb::value_error(
            (name + ": expected a C-contiguous array, got gaps or another order in shape " + shape_of(array)).c_str());
    }
}

void check_aligned(const Array& array, const std::string& name, std::size_t nbytes) {
    if (reinterpret_cast<std::uintptr_t>(array.data()) % nbytes != 0) {
        const std::string message =
            name + ": expected an address aligned to " + std::to_string(nbytes) + " bytes; pass a copy";
        throw nb::value_error(message.c_str());
    }
}

}  // namespace

FloatMatrix prompts_of(const Array& array, const std::string& name) {
    if (!is_float(array, 32)) {
        throw nb::type_error((name + ": expected dtype float32").c_str());
    }
    check_layout(array, name);
    check_aligned(array, name, alignof(float));
    return {static_cast<const float*>(array.data()), array.shape(0), array.shape(1)};
}

StoredMatrix frames_of(const Array& array, const std::string& name) {
    if (!is_float(array, 16) && !is_float(array, 32)) {
        throw nb::type_error((name + ": expected dtype float16 or float32").c_str());
    }
    check_layout(array, name);
    const Stored type = is_float(array, 16) ? Stored::float16 : Stored::float32;
    return {static_cast<const std::byte*>(array.data()), array.shape(0), array.shape(1), type};
}

FloatRows curves_of(const Array& array, const std::string& name) {
    const bool wide = is_float(array, 64);
    if (!wide && !is_float(array, 32)) {
        throw nb::type_error((name + ": expected dtype float32 or float64").c_str());
    }
    check_layout(array, name);
    check_aligned(array, name, wide ? alignof(double) : alignof(float));
    return {array.data(), array.shape(0), array.shape(1), wide};
}

void check_increasing(const Array& array, std::size_t n, const std::string& name) {
    if (array.dtype() != nb::dlpack::dtype{static_cast<std::uint8_t>(nb::dlpack::dtype_code::Int), 64, 1}) {
        throw nb::type_error((name + ": expected dtype int64").c_str());
    }
    if (array.ndim() != 1 || array.shape(0) != n) {
        const std::string wanted = "(" + std::to_string(n) + ",)";
        throw nb::value_error(
            (name + ": expected one timestamp per frame, shape " + wanted + ", got " + shape_of(array)).c_str());
    }
    const auto* bytes = static_cast<const std::byte*>(array.data());
    const std::int64_t step = n > 1 ? array.stride(0) * static_cast<std::int64_t>(sizeof(std::int64_t)) : 0;
    bool good = true;
    std::int64_t before = 0;
    for (std::size_t i = 0; i < n; ++i, bytes += step) {
        std::int64_t time;
        std::memcpy(&time, bytes, sizeof time);
        good &= i == 0 || before < time;
        before = time;
    }
    if (!good) {
        throw nb::value_error((name + ": expected strictly increasing timestamps").c_str());
    }
}

SimdLevel level_of(const std::string& name, const std::string& function) {
    if (name.empty()) {
        return best_simd_level();
    }
    for (const SimdLevel level : {SimdLevel::portable, SimdLevel::avx2, SimdLevel::avx512}) {
        if (name == simd_name(level)) {
            if (level > best_simd_level()) {
                const std::string message = "[" + function + "] level: this processor does not run " + name + "; use " +
                                            simd_name(best_simd_level());
                throw nb::value_error(message.c_str());
            }
            return level;
        }
    }
    throw nb::value_error(("[" + function + "] level: expected portable, avx2 or avx512, got '" + name + "'").c_str());
}

void check_threads(int threads, const std::string& function) {
    if (threads < 1) {
        throw nb::value_error(("[" + function + "] threads: expected 1 or more, got " + std::to_string(threads)).c_str());
    }
}

}  // namespace framedex
