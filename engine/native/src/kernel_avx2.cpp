// AVX2 + FMA + F16C. The instruction sets are named function by function, not by a flag for the file: a flag would also
// reach inline functions of headers, which the linker may then share with code that runs on older processors.
#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "framedex/half.h"

#define FRAMEDEX_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace framedex {

namespace {

FRAMEDEX_AVX2 void widen(const std::byte* halves, std::size_t count, float* out) {
    std::size_t k = 0;
    for (; k + 8 <= count; k += 8) {
        const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + 2 * k));
        _mm256_storeu_ps(out + k, _mm256_cvtph_ps(eight));
    }
    for (; k < count; ++k) {
        out[k] = load_half(halves + 2 * k);
    }
}

// 8 prompts × 8 numbers to 8 numbers × 8 prompts.
FRAMEDEX_AVX2 inline void transpose_8x8(const float* from, std::size_t d, float* to, std::size_t lanes) {
    __m256 rows[8];
    __m256 pairs[8];
    __m256 quads[8];
    for (std::size_t i = 0; i < 8; ++i) {
        rows[i] = _mm256_loadu_ps(from + i * d);
    }
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
        quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        _mm256_storeu_ps(to + i * lanes, _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * lanes, _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31));
    }
}

FRAMEDEX_AVX2 void pack(const float* prompts, std::size_t count, std::size_t d, std::size_t lanes, float* packed) {
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        const float* eight = prompts + lane * d;
        const bool full = lane + 8 <= count;
        std::size_t k = 0;
        for (; full && k + 8 <= d; k += 8) {
            transpose_8x8(eight + k, d, packed + k * lanes + lane, lanes);
        }
        for (; k < d; ++k) {
            for (std::size_t i = 0; i < 8; ++i) {
                packed[k * lanes + lane + i] = lane + i < count ? eight[i * d + k] : 0.0f;
            }
        }
    }
}

// R frames × V vectors of 8 prompts at once. Every pair has one accumulator of its own, so its sum does not depend on the
// tile that it falls into.
template <int R, int V>
FRAMEDEX_AVX2 void multiply(const Block& block, std::size_t begin, const std::byte* ahead, std::size_t ahead_step) {
    const float* rows = block.rows + begin * kBlock;
    const float* packed = block.packed;
    __m256 partial[R][V];
    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v) {
            partial[r][v] = _mm256_setzero_ps();
        }
    }
    const auto step = [&](std::size_t k) FRAMEDEX_AVX2 {
        __m256 prompts[V];
        for (int v = 0; v < V; ++v) {
            prompts[v] = _mm256_loadu_ps(packed + (k * V + static_cast<std::size_t>(v)) * 8);
        }
        for (int r = 0; r < R; ++r) {
            const __m256 number = _mm256_broadcast_ss(rows + static_cast<std::size_t>(r) * kBlock + k);
            for (int v = 0; v < V; ++v) {
                partial[r][v] = _mm256_fmadd_ps(number, prompts[v], partial[r][v]);
            }
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
    float* sums = block.sums + begin * 8 * V;
    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v, sums += 8) {
            const __m256 before = block.first ? _mm256_setzero_ps() : _mm256_loadu_ps(sums);
            _mm256_storeu_ps(sums, _mm256_add_ps(before, partial[r][v]));
        }
    }
}

template <int V>
FRAMEDEX_AVX2 void multiply_rows(const Block& block) {
    // Twelve accumulators hide the latency of the multiply-add and leave room for the operands.
    constexpr std::size_t most = 12 / V;
    std::size_t begin = 0;
    // Spread over the loop so that memory works while the processor multiplies.
    const std::byte* ahead = block.ahead;
    const std::size_t steps = (block.depth + 7) / 8 * ((block.row_count + most - 1) / most);
    const std::size_t step = steps == 0 ? 0 : (block.ahead_nbytes / steps + 63) / 64 * 64;
    const std::size_t per_call = (block.depth + 7) / 8 * step;
    for (; begin + most <= block.row_count; begin += most) {
        multiply<static_cast<int>(most), V>(block, begin, ahead, step);
        ahead += per_call;
    }
    for (; begin + 3 <= block.row_count; begin += 3) {
        multiply<3, V>(block, begin, ahead, 0);
    }
    for (; begin < block.row_count; ++begin) {
        multiply<1, V>(block, begin, ahead, 0);
    }
}

}  // namespace

const Kernel kAvx2Kernel{widen, pack, multiply_rows<1>, multiply_rows<2>};

}  // namespace framedex

#else

namespace framedex {

const Kernel kAvx2Kernel{};  // best_simd_level() never names avx2 here

}  // namespace framedex

#endif
