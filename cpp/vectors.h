// Vectors of the processor that this file is compiled for, by the extensions of GCC and Clang, and
// memory that is aligned for them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

namespace mlplab {

#if defined(__AVX512F__)
constexpr int LANES = 16;
constexpr bool MANY_REGISTERS = true;   // 32 of them
constexpr bool FUSES = true;            // a product is added in one instruction
#elif defined(__AVX2__)
constexpr int LANES = 8;
constexpr bool MANY_REGISTERS = false;  // 16
constexpr bool FUSES = true;
#elif defined(__aarch64__)
constexpr int LANES = 4;
constexpr bool MANY_REGISTERS = true;
constexpr bool FUSES = true;
#else
constexpr int LANES = 4;
constexpr bool MANY_REGISTERS = false;
constexpr bool FUSES = false;
#endif

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef int32_t Integers __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));

// The upper half of a float32.
struct Bfloat16 {
  uint16_t bits;
};

inline float widened(float value) { return value; }

inline float widened(Bfloat16 value) {
  uint32_t bits = uint32_t(value.bits) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

inline void store(float* to, float value) { *to = value; }

// To the nearest; of two that are equally near, to the even one. NaN stays NaN.
inline void store(Bfloat16* to, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  to->bits = uint16_t(value == value ? rounded : 0x7FC0);
}

inline Vector load(const float* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

inline Vector load(const Bfloat16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return (Vector)(__builtin_convertvector(halves, Words) << 16);
}

inline void store(float* to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }

inline void store(Bfloat16* to, Vector vector) {
  Words bits = (Words)vector;
  Words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  rounded = vector == vector ? rounded : Words{} + 0x7FC0;
  Halves halves = __builtin_convertvector(rounded, Halves);
  std::memcpy(to, &halves, sizeof halves);
}

// e to the power of x, for x <= 0, within two units of the last place; 0 below -87.3.
// x = n ln 2 + r with |r| <= ln 2 / 2; a polynomial of degree six for r (Cephes, expf).
inline Vector exponential(Vector x) {
  const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  Vector n = x * 1.44269504f + shift;
  Integers exponent = (Integers)n - 0x4B400000;  // the bits of the shift
  n -= shift;
  Vector r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Vector scale = (Vector)((exponent + 127) << 23);
  // NaN stays NaN: only what compares as below is made zero.
  return x < -87.3f ? Vector{} : p * scale;
}

// Memory at the boundary of a cache's line; its contents are undefined.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t size = 0) { reserve(size); }
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { operator delete(data_, BOUNDARY); }

  // At least so much; what was there is lost where it has to grow.
  void reserve(int64_t size) {
    if (size <= size_) return;
    operator delete(data_, BOUNDARY);
    data_ = nullptr;
    size_ = 0;
    data_ = static_cast<T*>(operator new(size_t(size) * sizeof(T), BOUNDARY));
    size_ = size;
  }

  T* data() { return data_; }
  operator T*() { return data_; }

 private:
  static constexpr std::align_val_t BOUNDARY{64};
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace mlplab
