// One file per instruction set. All multiply the same tiles: kTileRows frames, widened to float32, by packed prompts.
#pragma once

#include <cstddef>

#include "framedex/simd.h"
#include "framedex/spans.h"

namespace framedex {

constexpr std::size_t kTileRows = 12;
constexpr std::size_t kBlock = 128;  // products that are summed one after the other
constexpr std::size_t kLanes = 16;   // prompts of one pack; the last pack has 8 where no more are needed

// Part of a product: `depth` <= kBlock of the dimensions.
struct Block {
    const float* packed;     // depth × lanes: lane by lane the prompts' numbers
    const float* rows;       // kTileRows × kBlock, the first `row_count` rows and `depth` columns of it
    std::size_t row_count;   // 1 … kTileRows
    std::size_t depth;       // 0 … kBlock
    bool first;              // whether sums are set or added to
    float* sums;             // kTileRows × lanes, aligned to 64 bytes
    const std::byte* ahead;  // memory that is needed next
    std::size_t ahead_nbytes;
};

struct Kernel {
    // count halves at any address to float32.
    void (*widen)(const std::byte* halves, std::size_t count, float* out);
    // count <= lanes prompts of d numbers to d × lanes; lanes without a prompt are zero.
    void (*pack)(const float* prompts, std::size_t count, std::size_t d, std::size_t lanes, float* packed);
    void (*block_8)(const Block& block);
    void (*block_16)(const Block& block);
};

extern const Kernel kPortableKernel;
extern const Kernel kAvx2Kernel;    // only where best_simd_level() says so
extern const Kernel kAvx512Kernel;  // the same

const Kernel& kernel_of(SimdLevel level);

}  // namespace framedex
