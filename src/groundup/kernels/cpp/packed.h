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
constexpr int kPanel = 16;  // tokens that lie together

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

// Tokens in 8 bits, sixteen of them (a panel) side by side in each group.
class Tokens8 {
  public:
    void resize(int tokens, int columns) {
        groups_ = columns / kGroup;
        const size_t count = size_t(tokens + kPanel - 1) / kPanel * kPanel * groups_;
        if (numbers_.size() < count * kGroup) {
            numbers_.resize(count * kGroup);
            scales_.resize(count);
            sums_.resize(count);
            middles_.resize(count);
        }
    }

    // The place of a token's group: its numbers begin at 32 times that.
    size_t place(int token, int group) const {
        return (size_t(token / kPanel) * groups_ + group) * kPanel + token % kPanel;
    }
    const int8_t* numbers(size_t place) const { return numbers_.data() + place * kGroup; }
    const float* scales(size_t place) const { return scales_.data() + place; }     // a
    const float* sums(size_t place) const { return sums_.data() + place; }         // a (sum of p)
    const int32_t* middles(size_t place) const { return middles_.data() + place; }  // -128 (sum of p)

    // Keep 32 numbers: a = max |x| / 127, p = x / a to the nearest whole number.
    void keep(int token, int group, Floats left, Floats right) {
        const size_t at = place(token, group);
        const float most = largest(maximum(absolute(left), absolute(right)));
        const Floats inverse = broadcast(most > 0 ? 127.0f / most : 0.0f);
        const Ints p_left = to_ints(left * inverse), p_right = to_ints(right * inverse);
        store_bytes(numbers_.data() + at * kGroup, p_left);
        store_bytes(numbers_.data() + at * kGroup + 16, p_right);
        const int32_t total = sum(p_left) + sum(p_right);
        scales_[at] = most / 127.0f;
        sums_[at] = scales_[at] * static_cast<float>(total);
        middles_[at] = -128 * total;
    }

  private:
    int groups_ = 0;
    std::vector<int8_t> numbers_;
    std::vector<float> scales_, sums_;
    std::vector<int32_t> middles_;
};

// The products of one tile's sixteen rows with `width` tokens from `token` on, all in one panel.
template <int bits, int width>
inline void multiply_tile(const Matrix& w, int tile, const Tokens8& x, int token, Floats* y) {
    constexpr int kBytes = bits == 4 ? kGroup * kRows / 2 : kGroup * kRows;
    constexpr int kScales = bits == 4 ? 2 * kRows : kRows;
    const int groups = w.groups();
    const uint8_t* quants = w.quants + size_t(tile) * groups * kBytes;
    const uint16_t* scales = w.scales + size_t(tile) * groups * kScales;
    size_t place = x.place(token, 0);
    Floats total[width];
    for (Floats& lane : total) lane = broadcast(0.0f);
    for (int g = 0; g < groups; g++, quants += kBytes, scales += kScales, place += kPanel) {
        Bytes q[kSteps];
        for (int step = 0; step < (bits == 4 ? kSteps / 2 : kSteps); step++) {
            q[step] = load_bytes(quants + 64 * step);
        }
        if (bits == 4) {
            for (int step = kSteps / 2; step < kSteps; step++) {
                q[step] = high_nibbles(q[step - kSteps / 2]);
                q[step - kSteps / 2] = low_nibbles(q[step - kSteps / 2]);
            }
        }
        const Floats d = load_half(scales);
        const Floats m = bits == 4 ? load_half(scales + kRows) : d;
        const int8_t* p = x.numbers(place);
        for (int t = 0; t < width; t++, p += kGroup) {
            Ints dot = broadcast(bits == 4 ? 0 : x.middles(place)[t]);
            for (int step = 0; step < kSteps; step++) dot = add_dot<bits>(dot, q[step], p + 4 * step);
            total[t] = multiply_add(to_floats(dot), d * broadcast(x.scales(place)[t]), total[t]);
            if (bits == 4) total[t] = multiply_add(m, broadcast(x.sums(place)[t]), total[t]);
        }
    }
    for (int t = 0; t < width; t++) y[t] = total[t];
}

// A width that `multiply_tile` is built for: as many tokens as there are, or a few more, unless 16.
inline int tile_width(int tokens) { return tokens >= 9 ? 16 : tokens >= 5 ? 8 : tokens >= 3 ? 4 : tokens; }

inline void multiply(const Matrix& w, int tile, const Tokens8& x, int token, int width, Floats* y) {
    using Function = void (*)(const Matrix&, int, const Tokens8&, int, Floats*);
    static constexpr Function functions[2][5] = {
        {multiply_tile<4, 1>, multiply_tile<4, 2>, multiply_tile<4, 4>, multiply_tile<4, 8>, multiply_tile<4, 16>},
        {multiply_tile<8, 1>, multiply_tile<8, 2>, multiply_tile<8, 4>, multiply_tile<8, 8>, multiply_tile<8, 16>},
    };
    const int place = width == 16 ? 4 : width == 8 ? 3 : width / 2;
    functions[w.bits == 8][place](w, tile, x, token, y);
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
