// The sixteen lanes as plain arrays: any processor, and the definition of what the others do.

#pragma once

inline const char* lanes_name() { return "portable"; }

constexpr int kFloats = 8;  // how many registers hold, in most processors

struct Floats { float lane[16]; };
struct Ints { int32_t lane[16]; };
struct Bytes { uint8_t byte[64]; };

// sixteen times `f(i)`
template <class Vector, class F>
inline Vector each(F f) {
    Vector result;
    for (int i = 0; i < 16; i++) result.lane[i] = f(i);
    return result;
}

inline Floats broadcast(float x) { return each<Floats>([&](int) { return x; }); }
inline Ints broadcast(int32_t x) { return each<Ints>([&](int) { return x; }); }
inline Floats load(const float* from) { return each<Floats>([&](int i) { return from[i]; }); }
inline void store(float* to, Floats x) { std::memcpy(to, x.lane, sizeof x); }

inline Floats operator+(Floats a, Floats b) { return each<Floats>([&](int i) { return a.lane[i] + b.lane[i]; }); }
inline Floats operator-(Floats a, Floats b) { return each<Floats>([&](int i) { return a.lane[i] - b.lane[i]; }); }
inline Floats operator*(Floats a, Floats b) { return each<Floats>([&](int i) { return a.lane[i] * b.lane[i]; }); }
inline Floats operator/(Floats a, Floats b) { return each<Floats>([&](int i) { return a.lane[i] / b.lane[i]; }); }
inline Floats maximum(Floats a, Floats b) {
    return each<Floats>([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Floats minimum(Floats a, Floats b) {
    return each<Floats>([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Floats multiply_add(Floats a, Floats b, Floats c) { return a * b + c; }

inline Floats to_floats(Ints x) { return each<Floats>([&](int i) { return static_cast<float>(x.lane[i]); }); }
// To nearest, ties to even, for |x| < 2^22: adding 1.5 * 2^23 rounds to whole numbers.
inline Ints to_ints(Floats x) {
    return each<Ints>([&](int i) { return static_cast<int32_t>(x.lane[i] + 12582912.0f - 12582912.0f); });
}
inline Floats power_of_two(Ints n) {  // 2^n, n from -126 to 127
    Floats result;
    for (int i = 0; i < 16; i++) n.lane[i] = (n.lane[i] + 127) << 23;
    std::memcpy(result.lane, n.lane, sizeof result);
    return result;
}

inline float sum(Floats x) {
    for (int width = 8; width; width /= 2) {
        for (int i = 0; i < width; i++) x.lane[i] += x.lane[i + width];
    }
    return x.lane[0];
}
inline int32_t sum(Ints x) {
    int32_t total = 0;
    for (const int32_t lane : x.lane) total += lane;
    return total;
}
inline float largest(Floats x) {
    float most = x.lane[0];
    for (const float lane : x.lane) most = lane > most ? lane : most;
    return most;
}
inline Floats keep_first(int count, Floats x, float other) {  // lanes from `count` on: other
    return each<Floats>([&](int i) { return i < count ? x.lane[i] : other; });
}

// A half has 5 bits of exponent and 10 of fraction, a float 8 and 23. Shifted into a float's place
// its exponent is too small by 112, which a multiplication puts right, subnormals included.
inline float from_half(uint16_t half) {
    uint32_t bits = static_cast<uint32_t>(half & 0x7FFF) << 13;
    float x;
    std::memcpy(&x, &bits, 4);
    x *= 5.192296858534828e33f;  // 2^112
    std::memcpy(&bits, &x, 4);
    if ((half & 0x7C00) == 0x7C00) bits |= 0x7F800000;  // infinite, or not a number
    bits |= static_cast<uint32_t>(half & 0x8000) << 16;
    std::memcpy(&x, &bits, 4);
    return x;
}
inline uint16_t to_half(float x) {  // to nearest, ties to even
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    bits &= 0x7FFFFFFF;
    if (bits > 0x7F800000) return sign | 0x7E00;   // not a number
    if (bits >= 0x47800000) return sign | 0x7C00;  // 2^16 and more: infinite
    if (bits < 0x38800000) {                       // below 2^-14: steps of 2^-24
        float size;
        std::memcpy(&size, &bits, 4);
        return sign | static_cast<uint16_t>(size * 16777216.0f + 12582912.0f - 12582912.0f);
    }
    return sign | static_cast<uint16_t>((bits - 0x38000000 + 0xFFF + (bits >> 13 & 1)) >> 13);
}
inline Floats load_half(const uint16_t* from) { return each<Floats>([&](int i) { return from_half(from[i]); }); }
inline void store_half(uint16_t* to, Floats x) {
    for (int i = 0; i < 16; i++) to[i] = to_half(x.lane[i]);
}
inline void store_bytes(int8_t* to, Ints x) {  // lanes from -128 to 127
    for (int i = 0; i < 16; i++) to[i] = static_cast<int8_t>(x.lane[i]);
}

inline Bytes load_bytes(const uint8_t* from) {
    Bytes result;
    std::memcpy(result.byte, from, 64);
    return result;
}
inline Bytes low_nibbles(Bytes x) {
    for (uint8_t& byte : x.byte) byte &= 15;
    return x;
}
inline Bytes high_nibbles(Bytes x) {
    for (uint8_t& byte : x.byte) byte >>= 4;
    return x;
}

// In each lane, add the products of its four bytes of w and the four signed bytes at x.
template <int bits>
inline Ints add_dot(Ints total, Bytes w, const int8_t* x) {
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 4; j++) total.lane[i] += w.byte[4 * i + j] * x[j];
    }
    return total;
}
