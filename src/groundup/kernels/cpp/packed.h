// Matrices in 4 or 8 bits a weight, tokens in 8 bits a number, and the product of the two.
//
// Both are cut into groups of 32 along the inputs k. A weight is w = d q + m, with d and m of its
// row and group: 4 bits have q from 0 to 15; 8 bits have q from 0 to 255 and m = -128 d, which is
// not kept. A token's number is x = a p, p from -127 to 127, a of its token and group. So
//
//     y[n] = sum over groups g of  a_g d_g (sum of q p) + m_g a_g (sum of p)
//
// where the sums over the 32 are of whole numbers, and exact. One instruction multiplies 64 bytes
// and adds them in fours: 16 rows n, 4 inputs k. Weights lie in memory in the order in which they
// are used, so that they are read once, from first to last, whatever the number of tokens.

#pragma once

#include <vector>

#include "lanes.h"

constexpr int kGroup = 32;  // weights, or numbers of a token, that share a scale
constexpr int kRows = 16;   // rows of a tile: one lane each
constexpr int kSteps = kGroup / 4;
constexpr int kPanel = 8;   // tokens that lie together
constexpr int kAhead = 2048;  // bytes of weights: how far ahead of its work a thread asks for them

struct Matrix {  // the same in kernels/decoder.py
    // [rows/16][columns/32][step][row][4]; of 4 bits, the low halves are steps 0-3, the high 4-7
    const uint8_t* quants;
    const uint16_t* scales;  // float16: [rows/16][columns/32][16] d; of 4 bits [2][16], d and m
    int32_t rows;            // a multiple of 16
    int32_t columns;         // a multiple of 32
    int32_t bits;            // 4 or 8; 0: no such matrix
    int32_t unused;

    int tiles() const { return rows / kRows; }
    int groups() const { return columns / kGroup; }
};

// Tokens in 8 bits, eight of them (a panel) side by side in each group.
class Tokens8 {
  public:
    struct Scale {
        float a;
        float sum;       // a (sum of p)
        int32_t middle;  // -128 (sum of p)
    };
    struct alignas(64) Group {  // no two threads write to one cache line
        int8_t p[kPanel][kGroup];
        Scale scale[kPanel];
    };

    void resize(int tokens, int columns) {
        groups_ = columns / kGroup;
        const size_t count = size_t(tokens + kPanel - 1) / kPanel * groups_;
        if (kept_.size() < count) kept_.resize(count);
    }

    // The groups of the panel that a token is in, from the first on.
    Group* panel(int token) { return kept_.data() + size_t(token / kPanel) * groups_; }
    const Group* panel(int token) const { return kept_.data() + size_t(token / kPanel) * groups_; }

    // Keep 32 numbers: a = max |x| / 127, p = x / a to the nearest whole number. Of numbers so small
    // that 1 / a would be infinite, p is 0.
    void keep(int token, int group, Floats left, Floats right) {
        Group& to = panel(token)[group];
        const int t = token % kPanel;
        const float most = largest(maximum(absolute(left), absolute(right)));
        const Floats inverse = broadcast(most > 1e-30f ? 127.0f / most : 0.0f);
        const Ints p_left = to_ints(left * inverse), p_right = to_ints(right * inverse);
        store_bytes(to.p[t], p_left);
        store_bytes(to.p[t] + 16, p_right);
        const int32_t total = sum(p_left) + sum(p_right);
        const float a = most / 127.0f;
        to.scale[t] = {a, a * static_cast<float>(total), -128 * total};
    }

  private:
    int groups_ = 0;
    std::vector<Group> kept_;
};

// The products of one tile's sixteen rows with the first `width` tokens of a panel.
template <int bits, int width>
inline void multiply_tile(const Matrix& w, int tile, const Tokens8::Group* x, Floats* y) {
    constexpr int kLoads = bits == 4 ? kSteps / 2 : kSteps;
    constexpr int kScales = bits == 4 ? 2 * kRows : kRows;
    const int groups = w.groups();
    const uint8_t* quants = w.quants + size_t(tile) * groups * kLoads * 64;
    const uint16_t* scales = w.scales + size_t(tile) * groups * kScales;
    Floats total[width];
    for (int t = 0; t < width; t++) total[t] = broadcast(0.0f);
    for (int g = 0; g < groups; g++, quants += kLoads * 64, scales += kScales) {
        Bytes q[kSteps];
        for (int i = 0; i < kLoads; i++) {
            __builtin_prefetch(quants + kAhead + 64 * i);
            q[i] = load_bytes(quants + 64 * i);
            if (bits == 4) {
                q[i + kLoads % kSteps] = high_nibbles(q[i]);
                q[i] = low_nibbles(q[i]);
            }
        }
        const Floats d = load_half(scales);
        const Floats m = bits == 4 ? load_half(scales + kRows) : d;
#pragma GCC unroll 8
        for (int t = 0; t < width; t++) {
            const Tokens8::Scale& scale = x[g].scale[t];
            Ints dot = broadcast(bits == 4 ? 0 : scale.middle);
            for (int step = 0; step < kSteps; step++) dot = add_dot<bits>(dot, q[step], x[g].p[t] + 4 * step);
            total[t] = multiply_add(to_floats(dot), d * broadcast(scale.a), total[t]);
            if (bits == 4) total[t] = multiply_add(m, broadcast(scale.sum), total[t]);
        }
    }
    for (int t = 0; t < width; t++) y[t] = total[t];
}

// The same for `count` tokens; what follows them in `y` (up to 8 in all) is overwritten.
inline void multiply(const Matrix& w, int tile, const Tokens8& x, int token, int count, Floats* y) {
    using Function = void (*)(const Matrix&, int, const Tokens8::Group*, Floats*);
    static constexpr Function functions[2][4] = {
        {multiply_tile<4, 1>, multiply_tile<4, 2>, multiply_tile<4, 4>, multiply_tile<4, 8>},
        {multiply_tile<8, 1>, multiply_tile<8, 2>, multiply_tile<8, 4>, multiply_tile<8, 8>},
    };
    const int size = count <= 2 ? count - 1 : count <= 4 ? 2 : 3;
    functions[w.bits == 8][size](w, tile, x.panel(token), y);
}

// Row `row` of a matrix as floats: an embedding.
inline void unpack_row(const Matrix& w, int row, float* to) {
    const bool is_half = w.bits == 4;
    const int tile = row / kRows, lane = row % kRows;
    for (int g = 0; g < w.groups(); g++) {
        const size_t group = size_t(tile) * w.groups() + g;
        const uint8_t* quants = w.quants + group * kGroup * kRows / (is_half ? 2 : 1) + 4 * lane;
        float d[kRows], m[kRows];
        const uint16_t* scales = w.scales + group * kRows * (is_half ? 2 : 1);
        store(d, load_half(scales));
        store(m, is_half ? load_half(scales + kRows) : load_half(scales) * broadcast(-128.0f));
        for (int k = 0; k < kGroup; k++) {
            const int step = is_half ? k / 4 % 4 : k / 4;
            const uint8_t byte = quants[64 * step + k % 4];
            const int q = !is_half ? byte : k < kGroup / 2 ? byte & 15 : byte >> 4;
            to[kGroup * g + k] = d[lane] * static_cast<float>(q) + m[lane];
        }
    }
}
