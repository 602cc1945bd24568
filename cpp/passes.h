// What happens between two products: each function passes over its memory once. The compiler makes
// vector instructions of the plain loops.
#pragma once

#include <algorithm>

#include "interface.h"
#include "vectors.h"

namespace mlplab {

// Rows summed at a stretch: rounding grows with the length of a sum.
constexpr int64_t ROWS_AT_A_STRETCH = 32;

// outputs (row, unit) + bias (unit,), then ReLU for hidden layers. NaN stays NaN.
template <bool RELU, class T>
void add_bias(T* __restrict outputs, const float* __restrict bias, int64_t rows, int64_t units) {
  for (int64_t row = 0; row < rows; ++row, outputs += units)
    for (int64_t unit = 0; unit < units; ++unit) {
      const float total = widened(outputs[unit]) + bias[unit];
      store(outputs + unit, RELU && total <= 0 ? 0.0f : total);
    }
}

// The gradient (row, unit) for a layer's outputs becomes that for its sums (RELU: zero where the
// outputs are), and its sums over rows are the gradient of the bias. `part` is (unit,) to work in.
template <bool RELU, class T>
void backward_bias(T* __restrict gradient, const T* __restrict outputs,
                   float* __restrict bias_gradient, float* __restrict part, int64_t rows,
                   int64_t units) {
  std::fill(bias_gradient, bias_gradient + units, 0.0f);
  for (int64_t start = 0; start < rows; start += ROWS_AT_A_STRETCH) {
    std::fill(part, part + units, 0.0f);
    for (int64_t row = start; row < std::min(rows, start + ROWS_AT_A_STRETCH); ++row) {
      T* own = gradient + row * units;
      const T* given = outputs + row * units;
      for (int64_t unit = 0; unit < units; ++unit) {
        float slope = widened(own[unit]);
        if (RELU) {
          slope = widened(given[unit]) <= 0 ? 0.0f : slope;
          store(own + unit, slope);
        }
        part[unit] += slope;
      }
    }
    for (int64_t unit = 0; unit < units; ++unit) bias_gradient[unit] += part[unit];
  }
}

// The coefficients of one network and step; see `optimizers/coefficients.py`.
struct Coefficients {
  float keep_first, add_first, keep_second, add_second;
  float size, eps_in_sqrt, eps_outside, decoupled_decay, decay;
};

// The one update of all optimizers, with those moments only that an optimizer has:
//   g <- g + decay w;  m <- keep_first m + add_first g;  v <- keep_second v + add_second g²
//   w <- decoupled_decay w - size m / (sqrt(v + eps_in_sqrt) + eps_outside)
template <bool FIRST, bool SECOND, class T>
void update_with(float* __restrict weights, const T* __restrict gradient,
                 float* __restrict first, float* __restrict second, int64_t count,
                 const Coefficients by) {
  const float same_divisor = std::sqrt(by.eps_in_sqrt) + by.eps_outside;
  for (int64_t i = 0; i < count; ++i) {
    const float g = widened(gradient[i]) + by.decay * weights[i];
    float m = g, divisor = same_divisor;
    if (FIRST) first[i] = m = by.keep_first * first[i] + by.add_first * g;
    if (SECOND) {
      const float v = second[i] = by.keep_second * second[i] + by.add_second * (g * g);
      divisor = std::sqrt(v + by.eps_in_sqrt) + by.eps_outside;
    }
    weights[i] = by.decoupled_decay * weights[i] - by.size * (m / divisor);
  }
}

// Moments that an optimizer does not have are null.
template <class T>
void update(float* weights, const T* gradient, float* first, float* second, int64_t count,
            const Coefficients& by) {
  auto* with = first    ? (second ? update_with<true, true, T> : update_with<true, false, T>)
               : second ? update_with<false, true, T>
                        : update_with<false, false, T>;
  with(weights, gradient, first, second, count, by);
}

// Weights as products read them, where that is not float32.
inline void round_weights(const float* __restrict weights, Bfloat16* __restrict compute,
                          int64_t count) {
  for (int64_t i = 0; i < count; ++i) store(compute + i, weights[i]);
}

}  // namespace mlplab
