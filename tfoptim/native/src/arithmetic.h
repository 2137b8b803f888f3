// Arithmetic of the rules, element by element; `tfoptim/ops.py` has the same functions in Python.

#ifndef TFOPTIM_ARITHMETIC_H_
#define TFOPTIM_ARITHMETIC_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

// Compiles a loop for several vector widths; the machine that runs it chooses. Elsewhere the compiler's default serves.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(TFOPTIM_PLAIN)
#define TFOPTIM_WIDTHS __attribute__((target_clones("avx512f", "avx2", "default"), noinline))
#else
#define TFOPTIM_WIDTHS __attribute__((noinline))
#endif

namespace tfoptim {

// x * x.
template <typename T>
inline T square(T x) {
  return x * x;
}

// x / y, and 0 where y is 0.
template <typename T>
inline T ratio(T x, T y) {
  return y == T(0) ? T(0) : x / y;
}

// The larger of two numbers; NaN if one is NaN.
template <typename T>
inline T larger(T x, T y) {
  return (x > y) | (x != x) ? x : y;
}

// -1, 0 or 1; NaN for NaN.
template <typename T>
inline T sign(T x) {
  return x > T(0) ? T(1) : x < T(0) ? T(-1) : x;
}

// 1 - beta^t, without cancellation.
inline double debias(double beta, double t) {
  const double smallest = 2.2250738585072014e-308;
  return t == 1 ? 1 - beta : -std::expm1(t * std::log(beta > smallest ? beta : smallest));
}

// The first n numbers, for `const auto [learning_rate, momentum] = take<2>(h)`.
template <int n>
inline std::array<double, n> take(const double* h) {
  std::array<double, n> numbers;
  std::memcpy(numbers.data(), h, sizeof(numbers));
  return numbers;
}

inline uint32_t bits(float x) {
  uint32_t b;
  std::memcpy(&b, &x, sizeof(b));
  return b;
}

inline float from_bits(uint32_t b) {
  float x;
  std::memcpy(&x, &b, sizeof(x));
  return x;
}

// bfloat16 is the upper half of a float32.
struct BFloat16 {
  uint16_t value;

  static inline float widen(uint16_t x) { return from_bits(static_cast<uint32_t>(x) << 16); }

  // Rounds to the nearest, ties to even.
  static inline uint16_t narrow(float x) {
    const uint32_t b = bits(x);
    const uint32_t rounded = (b + 0x7FFFu + ((b >> 16) & 1u)) >> 16;
    const uint32_t nan = (b >> 16) | 0x40u;
    return static_cast<uint16_t>((b & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded);
  }
};

// IEEE float16: 1 sign bit, 5 of the exponent, 10 of the fraction.
struct Half {
  uint16_t value;

  static inline float widen(uint16_t x) {
    const uint32_t signs = static_cast<uint32_t>(x & 0x8000u) << 16, rest = x & 0x7FFFu;
    const uint32_t normal = (rest << 13) + 0x38000000u;       // exponent 15 becomes 127
    const uint32_t special = (rest << 13) + 0x70000000u;      // infinity and NaN
    const float tiny = static_cast<float>(static_cast<int32_t>(rest)) * 5.9604644775390625e-8f;  // 2^-24
    const uint32_t finite = rest < 0x400u ? bits(tiny) : normal;
    return from_bits(signs | (rest >= 0x7C00u ? special : finite));
  }

  // Rounds to the nearest, ties to even.
  static inline uint16_t narrow(float x) {
    const uint32_t b = bits(x), signs = (b >> 16) & 0x8000u, rest = b & 0x7FFFFFFFu;
    const uint32_t normal = (rest - 0x38000000u + 0xFFFu + ((rest >> 13) & 1u)) >> 13;
    const uint32_t tiny = bits(from_bits(rest) + 0.5f) - 0x3F000000u;  // the addition rounds at 2^-24
    const uint32_t finite = rest < 0x38800000u ? tiny : normal;
    const uint32_t nan = 0x7E00u | ((rest >> 13) & 0x3FFu);
    const uint32_t large = rest >= 0x477FF000u ? 0x7C00u : finite;
    return static_cast<uint16_t>(signs | (rest > 0x7F800000u ? nan : large));
  }
};

}  // namespace tfoptim

#endif  // TFOPTIM_ARITHMETIC_H_
