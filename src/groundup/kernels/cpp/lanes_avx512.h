// The sixteen lanes in one register. See lanes.h for what they are.

#pragma once

#include <immintrin.h>

inline const char* lanes_name() { return "AVX-512 VNNI"; }

constexpr int kFloats = 32;  // how many the registers hold

struct Floats { __m512 v; };
struct Ints { __m512i v; };
struct Bytes { __m512i v; };

inline Floats broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Ints broadcast(int32_t x) { return {_mm512_set1_epi32(x)}; }
inline Floats load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline void store(float* to, Floats x) { _mm512_storeu_ps(to, x.v); }

inline Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Floats maximum(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Floats minimum(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Floats multiply_add(Floats a, Floats b, Floats c) {  // a b + c
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}

inline Floats to_floats(Ints x) { return {_mm512_cvtepi32_ps(x.v)}; }
inline Ints to_ints(Floats x) { return {_mm512_cvtps_epi32(x.v)}; }  // to nearest, ties to even
inline Floats power_of_two(Ints n) {                                 // 2^n, n from -126 to 127
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n.v, _mm512_set1_epi32(127)), 23))};
}

inline float sum(Floats x) { return _mm512_reduce_add_ps(x.v); }
inline int32_t sum(Ints x) { return _mm512_reduce_add_epi32(x.v); }
inline float largest(Floats x) { return _mm512_reduce_max_ps(x.v); }
inline Floats keep_first(int count, Floats x, float other) {  // lanes from `count` on: other
    const __mmask16 kept = count >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << count) - 1);
    return {_mm512_mask_blend_ps(kept, _mm512_set1_ps(other), x.v)};
}

inline Floats load_half(const uint16_t* from) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
inline void store_half(uint16_t* to, Floats x) {  // to nearest
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(x.v, 0));
}
inline void store_bytes(int8_t* to, Ints x) {  // lanes from -128 to 127
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(x.v));
}

inline Bytes load_bytes(const uint8_t* from) { return {_mm512_loadu_si512(from)}; }
inline Bytes low_nibbles(Bytes x) { return {_mm512_and_si512(x.v, _mm512_set1_epi8(15))}; }
inline Bytes high_nibbles(Bytes x) {
    return {_mm512_and_si512(_mm512_srli_epi16(x.v, 4), _mm512_set1_epi8(15))};
}

// In each lane, add the products of its four bytes of w and the four signed bytes at x.
template <int bits>
inline Ints add_dot(Ints total, Bytes w, const int8_t* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return {_mm512_dpbusd_epi32(total.v, w.v, _mm512_set1_epi32(four))};
}
