// What outputs are held against: losses with their gradients, and the sums that metrics are made of.
// The same as `objectives/` and `trainer/evaluation.py` have by operations of torch.
#pragma once

#include <algorithm>
#include <cmath>

#include "interface.h"
#include "vectors.h"

namespace mlplab {

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

// The mean of -log softmax(z)_y over rows, and its gradient (softmax(z) - onehot(y)) / rows. With
// weights of the outputs a row counts by that of its class, among the weights of all rows.
// `memory` is (class,).
template <class T>
double cross_entropy(const T* logits, const int64_t* targets, const float* weights, T* gradient,
                     int64_t rows, int64_t classes, Vector* memory) {
  double whole = double(rows);
  if (weights) {
    whole = 0;
    for (int64_t row = 0; row < rows; ++row) whole += weights[targets[row]];
  }
  double total = 0;
  for (int64_t start = 0; start < rows; start += LANES) {
    const int64_t count = std::min<int64_t>(LANES, rows - start);
    const T* own = logits + start * classes;
    const Softmax s(own, count, classes, memory);
    Vector of_a_row = Vector{} + 1.0f / float(whole);
    if (weights)
      for (int64_t row = 0; row < count; ++row) of_a_row[row] *= weights[targets[start + row]];
    const Vector scale = of_a_row / s.sum;
    for (int64_t one = 0; one < classes; ++one) s.exponentials[one] *= scale;
    double product = 1;  // one logarithm for all lanes: LANES sums of `classes` are far below 1e308
    for (int64_t row = 0; row < count; ++row) {
      const int64_t target = targets[start + row];
      s.exponentials[target][row] -= of_a_row[row];
      const double less = widened(own[row * classes + target]) - s.highest[row];
      if (weights) {
        total += weights[target] * (std::log(double(s.sum[row])) - less);
      } else {
        product *= s.sum[row];
        total -= less;
      }
      for (int64_t one = 0; one < classes; ++one)
        store(gradient + (start + row) * classes + one, s.exponentials[one][row]);
    }
    total += std::log(product);
  }
  return total / whole;
}

// The mean loss of a quantity over rows, and its gradient. A new one is a case here, a kind in
// `interface.h` and its line in `trainer/compiled_objective.py`.
template <class T>
double quantity_loss(const T* outputs, const float* targets, const Objective& by, T* gradient,
                     int64_t rows) {
  const float of_a_row = 1.0f / float(rows), delta = float(by.delta);
  const float below = float(by.quantile), above = float(1 - by.quantile);
  double total = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float error = widened(outputs[row]) - targets[row];
    float loss = error * error, slope = 2 * error;
    switch (by.kind) {
      case ABSOLUTE_ERROR:
        loss = std::fabs(error);
        slope = float(error > 0) - float(error < 0);
        break;
      case HUBER:
        slope = std::clamp(error, -delta, delta);
        loss = slope * (error - 0.5f * slope);
        break;
      case PINBALL:
        slope = float(error > 0) * above - float(error < 0) * below;
        loss = slope * error;
        break;
    }
    store(gradient + row, slope * of_a_row);
    total += loss;
  }
  return total / double(rows);
}

// Adds the metrics of those rows whose target is not negative. `memory` is (class,).
template <class T>
void add_class_metrics(const T* logits, const int64_t* targets, int64_t rows, int64_t classes,
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
      metrics.sums[ACCURACY] += likeliest[row] == target;
      metrics.sums[LOSS] -= widened(own[row * classes + target]) - once.highest[row];
      metrics.sums[SOFTMAXED_LOSS] -= target_share[row] - twice.highest[row];
      product *= once.sum[row];
      product_twice *= twice.sum[row];
    }
    metrics.sums[LOSS] += std::log(product);
    metrics.sums[SOFTMAXED_LOSS] += std::log(product_twice);
  }
}

// Likewise of a quantity, whose rows all have a target.
template <class T>
void add_quantity_metrics(const T* outputs, const float* targets, int64_t rows, double quantile,
                          Metrics& metrics) {
  metrics.rows += rows;
  for (int64_t row = 0; row < rows; ++row) {
    const double target = targets[row], error = widened(outputs[row]) - target;
    metrics.sums[LOSS] += error * error;
    metrics.sums[ABSOLUTE_ERROR_SUM] += std::fabs(error);
    metrics.sums[PINBALL_SUM] += std::max(-quantile * error, (1 - quantile) * error);
    metrics.sums[TARGET_SUM] += target;
    metrics.sums[TARGET_SQUARES] += target * target;
  }
}

}  // namespace mlplab
