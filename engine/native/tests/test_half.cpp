// Every one of the 65536 halves, against its definition in powers of two.
#include <cmath>

#include "check.h"
#include "framedex/half.h"

namespace {

double by_definition(unsigned half) {
    const double sign = half & 0x8000u ? -1.0 : 1.0;
    const int exponent = static_cast<int>((half >> 10) & 31u);
    const double fraction = static_cast<double>(half & 0x3ffu) / 1024.0;
    return sign * (exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1.0 + fraction, exponent - 15));
}

}  // namespace

int main() {
    for (unsigned half = 0; half < 0x10000u; ++half) {
        const float value = framedex::half_to_float(static_cast<std::uint16_t>(half));
        const bool negative = (half & 0x8000u) != 0;
        CHECK(std::signbit(value) == negative);
        if ((half & 0x7fffu) > 0x7c00u) {
            CHECK(std::isnan(value));
        } else if ((half & 0x7fffu) == 0x7c00u) {
            CHECK(std::isinf(value));
        } else {
            CHECK(static_cast<double>(value) == by_definition(half));
        }
    }
    return 0;
}
