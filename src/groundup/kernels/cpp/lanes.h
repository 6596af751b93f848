// Sixteen numbers at a time: one vocabulary, three instruction sets.
//
// `Floats` and `Ints` are sixteen float32 or int32 lanes, `Bytes` are 64 unsigned bytes, four to a
// lane. AVX-512 keeps each in one register, AVX2 in two; anywhere else they are arrays, and the
// compiler makes of the loops what it can. Which of them it is follows from the flags of the
// compiler (`-march=native` says what this machine has).
//
// Nothing here depends on the order in which threads run, so results are the same on every run. The
// three differ in the last bit only: `multiply_add` rounds once where the machine can.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include "lanes_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "lanes_avx2.h"
#else
#include "lanes_portable.h"
#endif

inline Floats absolute(Floats x) { return maximum(x, broadcast(0.0f) - x); }

// e^x to about one unit in the last place, for x from -87 to 88; beyond them, what it is there.
//
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r is a polynomial (Cephes' expf), and 2^n are the bits of
// an exponent. ln 2 is subtracted in two parts, since n ln 2 itself would be rounded.
inline Floats exponential(Floats x) {
    x = minimum(maximum(x, broadcast(-87.0f)), broadcast(88.0f));
    const Ints n = to_ints(x * broadcast(1.44269504f));
    const Floats whole = to_floats(n);
    Floats r = multiply_add(whole, broadcast(-0.693359375f), x);
    r = multiply_add(whole, broadcast(2.12194440e-4f), r);
    Floats p = broadcast(1.9875691500e-4f);
    for (const float next : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                             1.6666665459e-1f, 5.0000001201e-1f}) {
        p = multiply_add(p, r, broadcast(next));
    }
    p = multiply_add(p * r, r, r) + broadcast(1.0f);
    return p * power_of_two(n);
}
