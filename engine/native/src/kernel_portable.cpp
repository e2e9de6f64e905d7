#include <cstring>

#include "framedex/half.h"
#include "kernels.h"

namespace framedex {

namespace {

void widen(const std::byte* halves, std::size_t count, float* out) {
    for (std::size_t k = 0; k < count; ++k) {
        out[k] = load_half(halves + 2 * k);
    }
}

void pack(const float* prompts, std::size_t count, std::size_t d, std::size_t lanes, float* packed) {
    for (std::size_t k = 0; k < d; ++k) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            packed[k * lanes + lane] = lane < count ? prompts[lane * d + k] : 0.0f;
        }
    }
}

// Four lanes, as every processor of 64 bits has them: GCC and Clang turn sums of these into its own instructions.
using Four = float __attribute__((vector_size(16)));

Four load(const float* address) {
    Four four;
    std::memcpy(&four, address, sizeof four);
    return four;
}

// R frames × 4 V prompts.
template <std::size_t R, std::size_t V>
void multiply(const Block& block, std::size_t begin) {
    const float* rows = block.rows + begin * kBlock;
    Four partial[R][V] = {};
    for (std::size_t k = 0; k < block.depth; ++k) {
        for (std::size_t v = 0; v < V; ++v) {
            const Four prompts = load(block.packed + (k * V + v) * 4);
            for (std::size_t r = 0; r < R; ++r) {
                partial[r][v] += rows[r * kBlock + k] * prompts;
            }
        }
    }
    float* sums = block.sums + begin * 4 * V;
    for (std::size_t r = 0; r < R; ++r) {
        for (std::size_t v = 0; v < V; ++v, sums += 4) {
            const Four total = block.first ? partial[r][v] : load(sums) + partial[r][v];
            std::memcpy(sums, &total, sizeof total);
        }
    }
}

template <std::size_t V>
void multiply_rows(const Block& block) {
    std::size_t begin = 0;
    for (; begin + 2 <= block.row_count; begin += 2) {
        multiply<2, V>(block, begin);
    }
    if (begin < block.row_count) {
        multiply<1, V>(block, begin);
    }
}

}  // namespace

const Kernel kPortableKernel{widen, pack, multiply_rows<2>, multiply_rows<4>};

}  // namespace framedex
