// The sixteen lanes in two registers of eight. See lanes.h for what they are.

#pragma once

#include <immintrin.h>

#if defined(__AVXVNNI__)
inline const char* lanes_name() { return "AVX-VNNI"; }
#else
inline const char* lanes_name() { return "AVX2"; }
#endif

constexpr int kFloats = 8;  // how many the registers hold

struct Floats { __m256 a, b; };
struct Ints { __m256i a, b; };
struct Bytes { __m256i a, b; };

inline Floats broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Ints broadcast(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline Floats load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
inline void store(float* to, Floats x) {
    _mm256_storeu_ps(to, x.a);
    _mm256_storeu_ps(to + 8, x.b);
}

inline Floats operator+(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline Floats operator-(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline Floats operator*(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline Floats operator/(Floats x, Floats y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline Floats maximum(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline Floats minimum(Floats x, Floats y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline Floats multiply_add(Floats x, Floats y, Floats z) {  // x y + z
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}

inline Floats to_floats(Ints x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
inline Ints to_ints(Floats x) {  // to nearest, ties to even
    return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)};
}
inline __m256 power_of_eight(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
inline Floats power_of_two(Ints n) { return {power_of_eight(n.a), power_of_eight(n.b)}; }

inline float sum(Floats x) {
    const __m256 eight = _mm256_add_ps(x.a, x.b);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline int32_t sum(Ints x) {
    alignas(32) int32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi32(x.a, x.b));
    int32_t total = 0;
    for (const int32_t lane : lanes) total += lane;
    return total;
}
inline float largest(Floats x) {
    const __m256 eight = _mm256_max_ps(x.a, x.b);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline Floats keep_first(int count, Floats x, float other) {  // lanes from `count` on: other
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), all = _mm256_set1_epi32(count);
    const __m256 kept_a = _mm256_castsi256_ps(_mm256_cmpgt_epi32(all, places));
    const __m256 kept_b = _mm256_castsi256_ps(
        _mm256_cmpgt_epi32(all, _mm256_add_epi32(places, _mm256_set1_epi32(8))));
    const __m256 rest = _mm256_set1_ps(other);
    return {_mm256_blendv_ps(rest, x.a, kept_a), _mm256_blendv_ps(rest, x.b, kept_b)};
}

inline Floats load_half(const uint16_t* from) {
    const __m128i* halves = reinterpret_cast<const __m128i*>(from);
    return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
}
inline void store_half(uint16_t* to, Floats x) {  // to nearest
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(x.a, 0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to) + 1, _mm256_cvtps_ph(x.b, 0));
}
inline void store_bytes(int8_t* to, Ints x) {  // lanes from -128 to 127
    const __m256i pairs = _mm256_packs_epi32(x.a, x.b);  // four of a, four of b; then the same again
    const __m256i ordered = _mm256_permute4x64_epi64(pairs, _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

inline Bytes load_bytes(const uint8_t* from) {
    const __m256i* halves = reinterpret_cast<const __m256i*>(from);
    return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
inline __m256i low_half(__m256i x) { return _mm256_and_si256(x, _mm256_set1_epi8(15)); }
inline __m256i high_half(__m256i x) { return low_half(_mm256_srli_epi16(x, 4)); }
inline Bytes low_nibbles(Bytes x) { return {low_half(x.a), low_half(x.b)}; }
inline Bytes high_nibbles(Bytes x) { return {high_half(x.a), high_half(x.b)}; }

// In each of eight lanes, add the products of four unsigned bytes of w and four signed ones of x.
//
// maddubs adds pairs of products in 16 bits, which hold those of 4-bit weights (2 * 15 * 127) but
// not those of 8-bit ones: these are taken nibble by nibble, the high ones times 16.
template <int bits>
inline __m256i add_dot_of_eight(__m256i total, __m256i w, __m256i x) {
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(total, w, x);
#else
    const __m256i low = _mm256_maddubs_epi16(bits == 4 ? w : low_half(w), x);
    total = _mm256_add_epi32(total, _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
    if (bits == 4) return total;
    const __m256i high = _mm256_maddubs_epi16(high_half(w), x);
    return _mm256_add_epi32(total, _mm256_madd_epi16(high, _mm256_set1_epi16(16)));
#endif
}

// In each lane, add the products of its four bytes of w and the four signed bytes at x.
template <int bits>
inline Ints add_dot(Ints total, Bytes w, const int8_t* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    const __m256i all = _mm256_set1_epi32(four);
    return {add_dot_of_eight<bits>(total.a, w.a, all), add_dot_of_eight<bits>(total.b, w.b, all)};
}
