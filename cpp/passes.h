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

// The softmax of up to LANES rows of logits side by side, a row a lane. What lanes beyond `rows`
// hold means nothing.
struct Softmax {
  Vector* exponentials;  // (class,) of the logits less the highest of their row
  Vector highest;
  Vector sum;            // of the exponentials

  template <class T>
  Softmax(const T* logits, int64_t rows, int64_t classes, Vector* memory) : exponentials(memory) {
    for (int64_t one = 0; one < classes; ++one) exponentials[one] = Vector{};
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t one = 0; one < classes; ++one)
        exponentials[one][row] = widened(logits[row * classes + one]);
    take(classes);
  }

  // Of vectors that stand in the memory already.
  Softmax(int64_t classes, Vector* memory) : exponentials(memory) { take(classes); }

 private:
  void take(int64_t classes) {
    highest = exponentials[0];
    for (int64_t one = 1; one < classes; ++one)
      highest = exponentials[one] > highest ? exponentials[one] : highest;
    sum = Vector{};
    for (int64_t one = 0; one < classes; ++one)
      sum += exponentials[one] = exponential(exponentials[one] - highest);
  }
};

// The mean of -log softmax(z)_y over rows, and its gradient (softmax(z) - onehot(y)) / rows.
// `memory` is (class,).
template <class T>
double cross_entropy(const T* logits, const int64_t* targets, T* gradient, int64_t rows,
                     int64_t classes, Vector* memory) {
  const float of_a_row = 1.0f / float(rows);
  double total = 0;
  for (int64_t start = 0; start < rows; start += LANES) {
    const int64_t count = std::min<int64_t>(LANES, rows - start);
    const T* own = logits + start * classes;
    const Softmax s(own, count, classes, memory);
    const Vector scale = of_a_row / s.sum;
    for (int64_t one = 0; one < classes; ++one) s.exponentials[one] *= scale;
    double product = 1;  // one logarithm for all lanes: LANES sums of `classes` are far below 1e308
    for (int64_t row = 0; row < count; ++row) {
      const int64_t target = targets[start + row];
      s.exponentials[target][row] -= of_a_row;
      product *= s.sum[row];
      total -= widened(own[row * classes + target]) - s.highest[row];
      for (int64_t one = 0; one < classes; ++one)
        store(gradient + (start + row) * classes + one, s.exponentials[one][row]);
    }
    total += std::log(product);
  }
  return total / double(rows);
}

// Adds the metrics of those rows whose target is not negative. `memory` is (class,).
template <class T>
void add_metrics(const T* logits, const int64_t* targets, int64_t rows, int64_t classes,
                 Vector* memory, Metrics& metrics) {
  for (int64_t start = 0; start < rows; start += LANES) {
    const int64_t count = std::min<int64_t>(LANES, rows - start);
    const T* own = logits + start * classes;
    const Softmax once(own, count, classes, memory);
    Integers likeliest = {};
    for (int64_t one = classes - 1; one >= 0; --one)
      likeliest = once.exponentials[one] == 1.0f ? Integers{} + int32_t(one) : likeliest;
    Vector target_share = {};
    for (int64_t one = 0; one < classes; ++one) once.exponentials[one] /= once.sum;
    for (int64_t row = 0; row < count; ++row)
      if (targets[start + row] >= 0) target_share[row] = once.exponentials[targets[start + row]][row];
    const Softmax twice(classes, memory);
    double product = 1, product_twice = 1;
    for (int64_t row = 0; row < count; ++row) {
      const int64_t target = targets[start + row];
      if (target < 0) continue;
      metrics.rows += 1;
      metrics.accuracy += likeliest[row] == target;
      metrics.loss -= widened(own[row * classes + target]) - once.highest[row];
      metrics.softmaxed_loss -= target_share[row] - twice.highest[row];
      product *= once.sum[row];
      product_twice *= twice.sum[row];
    }
    metrics.loss += std::log(product);
    metrics.softmaxed_loss += std::log(product_twice);
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
