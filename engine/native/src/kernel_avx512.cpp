// AVX-512F for packs of 16 prompts; the sums run in the order of the AVX2 kernel and have its bits.
#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "framedex/half.h"

#define FRAMEDEX_AVX512 __attribute__((target("avx512f,avx2,fma,f16c")))

namespace framedex {

namespace {

FRAMEDEX_AVX512 void widen(const std::byte* halves, std::size_t count, float* out) {
    std::size_t k = 0;
    for (; k + 16 <= count; k += 16) {
        const __m256i sixteen = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves + 2 * k));
        _mm512_storeu_ps(out + k, _mm512_maskz_cvtph_ps(0xffff, sixteen));
    }
    for (; k < count; ++k) {
        out[k] = load_half(halves + 2 * k);
    }
}

void pack(const float* prompts, std::size_t count, std::size_t d, std::size_t lanes, float* packed) {
    kAvx2Kernel.pack(prompts, count, d, lanes, packed);
}

void block_8(const Block& block) {
    kAvx2Kernel.block_8(block);
}

template <int R>
FRAMEDEX_AVX512 void multiply(const Block& block, std::size_t begin, std::size_t ahead_step) {
    const float* rows = block.rows + begin * kBlock;
    const float* packed = block.packed;
    const std::byte* ahead = block.ahead;
    __m512 partial[R];
    for (int r = 0; r < R; ++r) {
        partial[r] = _mm512_setzero_ps();
    }
    const auto step = [&](std::size_t k) FRAMEDEX_AVX512 {
        const __m512 prompts = _mm512_loadu_ps(packed + 16 * k);
        for (int r = 0; r < R; ++r) {
            const __m512 number = _mm512_set1_ps(rows[static_cast<std::size_t>(r) * kBlock + k]);
            partial[r] = _mm512_fmadd_ps(number, prompts, partial[r]);
        }
    };
    std::size_t k = 0;
    for (; k + 8 <= block.depth; k += 8) {
        for (std::size_t line = 0; line < ahead_step; line += 64) {
            _mm_prefetch(reinterpret_cast<const char*>(ahead + line), _MM_HINT_T1);
        }
        ahead += ahead_step;
#pragma GCC unroll 8
        for (std::size_t i = 0; i < 8; ++i) {
            step(k + i);
        }
    }
    for (; k < block.depth; ++k) {
        step(k);
    }
    float* sums = block.sums + begin * 16;
    for (int r = 0; r < R; ++r, sums += 16) {
        const __m512 before = block.first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums);
        _mm512_storeu_ps(sums, _mm512_add_ps(before, partial[r]));
    }
}

FRAMEDEX_AVX512 void block_16(const Block& block) {
    if (block.row_count == kTileRows) {
        const std::size_t steps = (block.depth + 7) / 8;
        multiply<kTileRows>(block, 0, steps == 0 ? 0 : (block.ahead_nbytes / steps + 63) / 64 * 64);
        return;
    }
    std::size_t begin = 0;
    for (; begin + 4 <= block.row_count; begin += 4) {
        multiply<4>(block, begin, 0);
    }
    for (; begin < block.row_count; ++begin) {
        multiply<1>(block, begin, 0);
    }
}

}  // namespace

const Kernel kAvx512Kernel{widen, pack, block_8, block_16};

}  // namespace framedex

#else

namespace framedex {

const Kernel kAvx512Kernel{};  // best_simd_level() never names avx512 here

}  // namespace framedex

#endif
