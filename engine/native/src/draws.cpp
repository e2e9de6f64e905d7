#include "draws.h"

#include <bit>
#include <cstring>

namespace framedex {

namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> kRounds{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using Digest = std::array<std::uint32_t, 8>;

// Likewise of the square roots of the first eight.
constexpr Digest kBegin{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

template <typename T>
T read_big_endian(const std::uint8_t* bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value << 8 | bytes[i]);
    }
    return value;
}

void digest_block(const std::uint8_t* block, Digest& digest) {
    std::array<std::uint32_t, 64> words;
    for (std::size_t i = 0; i < 16; ++i) {
        words[i] = read_big_endian<std::uint32_t>(block + 4 * i);
    }
    for (std::size_t i = 16; i < 64; ++i) {
        const std::uint32_t early = words[i - 15];
        const std::uint32_t late = words[i - 2];
        const std::uint32_t small0 = std::rotr(early, 7) ^ std::rotr(early, 18) ^ early >> 3;
        const std::uint32_t small1 = std::rotr(late, 17) ^ std::rotr(late, 19) ^ late >> 10;
        words[i] = words[i - 16] + small0 + words[i - 7] + small1;
    }
    auto [a, b, c, d, e, f, g, h] = digest;
    for (std::size_t i = 0; i < 64; ++i) {
        const std::uint32_t big1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t first = h + big1 + ((e & f) ^ (~e & g)) + kRounds[i] + words[i];
        const std::uint32_t big0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t second = big0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const Digest mixed{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) {
        digest[i] += mixed[i];
    }
}

__extension__ using Wide = unsigned __int128;

struct Halves {
    std::uint64_t high;
    std::uint64_t low;
};

Halves multiply(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return {static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product)};
}

using Block = std::array<std::uint64_t, 4>;

// Philox4x64 with ten rounds (Salmon, Moraes, Dror and Shaw, SC 2011): the numbers of B values of the counter from `first`
// on, side by side, since each round waits for the one before.
template <std::size_t B>
inline void philox(std::uint64_t first, std::array<std::uint64_t, 2> key, Block (&numbers)[B]) {
    for (std::size_t b = 0; b < B; ++b) {
        numbers[b] = {first + b, 0, 0, 0};
    }
    for (int round = 0; round < 10; ++round) {
        for (Block& each : numbers) {
            const Halves one = multiply(0xd2e7470ee14c6c93, each[0]);
            const Halves two = multiply(0xca5a826395121157, each[2]);
            each = {two.high ^ each[1] ^ key[0], two.low, one.high ^ each[3] ^ key[1], one.low};
        }
        key[0] += 0x9e3779b97f4a7c15;  // the golden ratio
        key[1] += 0xbb67ae8584caa73b;  // sqrt(3) - 1
    }
}

double uniform_of(std::uint64_t number) {
    return static_cast<double>(static_cast<std::int64_t>(number >> 11)) * 0x1p-53;
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::string_view message) {
    Digest digest = kBegin;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(message.data());
    const std::size_t size = message.size();
    std::size_t at = 0;
    for (; at + 64 <= size; at += 64) {
        digest_block(bytes + at, digest);
    }
    // The end: a one, zeros, and the number of bits.
    std::array<std::uint8_t, 128> rest{};
    if (size > at) {
        std::memcpy(rest.data(), bytes + at, size - at);
    }
    rest[size - at] = 0x80;
    const std::size_t end = size - at < 56 ? 64 : 128;
    for (std::size_t i = 0; i < 8; ++i) {
        rest[end - 1 - i] = static_cast<std::uint8_t>(std::uint64_t{size} * 8 >> 8 * i);
    }
    for (std::size_t block = 0; block < end; block += 64) {
        digest_block(rest.data() + block, digest);
    }
    std::array<std::uint8_t, 32> result;
    for (std::size_t i = 0; i < 32; ++i) {
        result[i] = static_cast<std::uint8_t>(digest[i / 4] >> (24 - 8 * (i % 4)));
    }
    return result;
}

void draw_uniforms(std::string_view text, std::size_t n, double* uniforms) {
    const std::array<std::uint8_t, 32> digest = sha256(text);
    const auto high = read_big_endian<std::uint64_t>(digest.data());
    const auto low = read_big_endian<std::uint64_t>(digest.data() + 8);
    constexpr std::size_t together = 3;
    std::size_t i = 0;
    Block blocks[together];
    // NumPy counts before it draws, so the first value is 1.
    for (; i + 4 * together <= n; i += 4 * together) {
        philox(i / 4 + 1, {low, high}, blocks);
        for (std::size_t j = 0; j < 4 * together; ++j) {
            uniforms[i + j] = uniform_of(blocks[j / 4][j % 4]);
        }
    }
    for (Block one[1]; i < n; i += 4) {
        philox(i / 4 + 1, {low, high}, one);
        for (std::size_t j = 0; j < 4 && i + j < n; ++j) {
            uniforms[i + j] = uniform_of(one[0][j]);
        }
    }
}

}  // namespace framedex
