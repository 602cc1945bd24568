// Training and evaluation of networks with ReLU, one network at a time on the thread that calls: its state stays in the caches of one core, and it cannot depend on others.
//
// This file is compiled once for each kind of processor (`hatch_build.py`); Python loads the best that
// runs, and calls the functions at the end without the interpreter's lock.

#include <chrono>
#include <cmath>
#include <vector>

#include "dense_products.h"
#include "interface.h"
#include "objectives.h"
#include "passes.h"
#include "sparse_products.h"
#include "vectors.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace mlplab {

// Subnormal numbers are zero while it lives. Where a unit has died its gradient is zero, and Adam's
// mean of gradients halves every seven steps until it is subnormal: a processor takes a hundred times
// as long for such numbers, and rounding keeps them from ever becoming zero.
class SubnormalsAsZero {
 public:
#if defined(__SSE2__)
  SubnormalsAsZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }  // FTZ and DAZ
  ~SubnormalsAsZero() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#elif defined(__aarch64__)
  SubnormalsAsZero() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ | (1 << 24)));
  }
  ~SubnormalsAsZero() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

 private:
  uint64_t before_;
#endif
};

constexpr int64_t EVALUATED_AT_ONCE = 256;  // rows; few enough to stay near the caches

// Memory for one network at a time, and what is done with it. T is the type of products: their
// operands and results are of it; parameters, moments and sums are float32.
template <class T>
class Computation {
 public:
  Computation(const Shape& shape, const Data& data, const Library& library, int64_t rows,
              bool trains)
      : shape_(shape), data_(data), products_(library), features_(shape.units[0]),
        classes_(shape.units[shape.layers]), inputs_(static_cast<const T*>(data.inputs)),
        is_sparse_(data.masks && SparseProducts::pays(rows, shape.units[1])),
        sparse_(is_sparse_ ? rows : 0, is_sparse_ ? features_ : 0), rows_(size_t(rows)),
        masks_(size_t(rows)), targets_(size_t(rows)), quantities_(size_t(rows)), outputs_(size_t(shape.layers)),
        gradients_(size_t(shape.layers)), compute_(size_t(shape.layers)), softmax_(classes_) {
    int64_t widest = 0, largest = 0;
    for (int64_t layer = 0; layer < shape.layers; ++layer) {
      const int64_t in = shape.units[layer], out = shape.units[layer + 1];
      outputs_[layer].reserve(rows * out);
      if (trains) gradients_[layer].reserve(rows * out);
      if (sizeof(T) < sizeof(float)) compute_[layer].reserve(in * out);
      widest = std::max(widest, out);
      largest = std::max(largest, in * out);
    }
    if (trains) {
      kernel_gradient_.reserve(largest);
      bias_gradient_.reserve(widest);
      part_.reserve(widest);
    }
  }

  // Steps `first_step` to `first_step + steps - 1`, counted from 1; then the last batch is measured.
  void train(Network& network, int64_t first_step, int64_t steps) {
    const auto began = std::chrono::steady_clock::now();
    use(network.parameters);
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t* positions = network.batches + step * shape_.batch;
      for (int64_t i = 0; i < shape_.batch; ++i) order_[i] = network.train_rows[positions[i]];
      read_rows(order_, shape_.batch, network.objective);
      train_step(network, first_step + step, step + 1 == steps);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    network.seconds += took.count();
    measure_batch(network);
  }

  void evaluate(Evaluation& evaluation) {
    use(const_cast<float*>(evaluation.parameters));
    evaluation.metrics = {};
    for (int64_t start = 0; start < evaluation.count; start += EVALUATED_AT_ONCE) {
      const int64_t rows = std::min(EVALUATED_AT_ONCE, evaluation.count - start);
      read_rows(evaluation.rows + start, rows, evaluation.objective);
      const T* logits = forward(evaluation.parameters, rows);
      measure(logits, rows, evaluation.objective, evaluation.metrics);
      if (evaluation.logits)
        for (int64_t i = 0; i < rows * classes_; ++i)
          evaluation.logits[start * classes_ + i] = widened(logits[i]);
    }
  }

  Buffer<int64_t> order_;

 private:
  void train_step(Network& network, int64_t number, bool is_last) {
    const int64_t rows = shape_.batch;
    const T* logits = forward(network.parameters, rows);
    const double loss = differentiate(logits, rows, network.objective);
    if (!std::isfinite(loss) && !network.diverged_at) network.diverged_at = number;
    const Coefficients kernels = coefficients(network, number, true);
    const Coefficients biases = coefficients(network, number, false);
    for (int64_t layer = shape_.layers - 1; layer >= 0; --layer) {
      const int64_t in = shape_.units[layer], out = shape_.units[layer + 1];
      T *gradient = gradients_[layer], *outputs = outputs_[layer];
      if (layer == shape_.layers - 1)
        backward_bias<false>(gradient, outputs, bias_gradient_, part_, rows, out);
      else
        backward_bias<true>(gradient, outputs, bias_gradient_, part_, rows, out);
      multiply_kernel_gradient(layer, gradient);
      if (layer)  // by the weights of the step before: they change below
        products_.multiply({rows_of(gradient, out, rows), false, rows, out, true},
                           {compute(network.parameters, layer), true, in}, gradients_[layer - 1]);
      if (is_last && network.diagnostics)
        network.diagnostics[layer] = root_mean_square(kernel_gradient_, in * out);
      change(network, shape_.kernels[layer], kernel_gradient_.data(), in * out, kernels);
      change(network, shape_.biases[layer], bias_gradient_.data(), out, biases);
      round(network.parameters, layer);
    }
  }

  // The loss of outputs for the rows that were read; its gradient goes into the last layer's.
  double differentiate(const T* outputs, int64_t rows, const Objective& by) {
    T* gradient = gradients_.back();
    if (by.targets) return quantity_loss(outputs, quantities_.data(), by, gradient, rows);
    return cross_entropy(outputs, targets_.data(), by.weights, gradient, rows, classes_,
                         softmax_.data());
  }

  void measure(const T* outputs, int64_t rows, const Objective& by, Metrics& metrics) {
    if (by.targets)
      add_quantity_metrics(outputs, quantities_.data(), rows, by.quantile, metrics);
    else
      add_class_metrics(outputs, targets_.data(), rows, classes_, softmax_.data(), metrics);
  }

  // The outputs (row, output) for the rows that were read.
  const T* forward(const float* parameters, int64_t rows) {
    for (int64_t layer = 0; layer < shape_.layers; ++layer) {
      const int64_t in = shape_.units[layer], out = shape_.units[layer + 1];
      if (layer)
        products_.multiply({rows_of(outputs_[layer - 1], in, rows), false, rows, in, true},
                           {compute(parameters, layer), false, out}, outputs_[layer]);
      else
        multiply_inputs(parameters, rows, out);
      const float* bias = parameters + shape_.biases[layer];
      if (layer == shape_.layers - 1) add_bias<false, T>(outputs_[layer], bias, rows, out);
      else add_bias<true, T>(outputs_[layer], bias, rows, out);
    }
    return outputs_.back();
  }

  void multiply_inputs(const float* parameters, int64_t rows, int64_t out) {
    if constexpr (sizeof(T) == sizeof(float))
      if (is_sparse_ && SparseProducts::pays(rows, out))
        return sparse_.multiply(rows_.data(), masks_.data(), rows,
                                parameters + shape_.kernels[0], out, outputs_[0]);
    const bool gathered = gather(rows, out);
    products_.multiply({rows_.data(), false, rows, features_, gathered},
                       {compute(parameters, 0), false, out}, outputs_[0]);
  }

  void multiply_kernel_gradient(int64_t layer, const T* gradient) {
    const int64_t in = shape_.units[layer], out = shape_.units[layer + 1], rows = shape_.batch;
    if (layer) {
      products_.multiply({rows_of(outputs_[layer - 1], in, rows), true, in, rows, true},
                         {gradient, false, out}, kernel_gradient_);
      return;
    }
    if constexpr (sizeof(T) == sizeof(float))
      if (is_sparse_)
        return sparse_.multiply_transposed(rows_.data(), masks_.data(), rows, gradient, out,
                                           kernel_gradient_);
    products_.multiply({rows_.data(), true, in, rows, is_gathered_}, {gradient, false, out},
                       kernel_gradient_);
  }

  // Reads which rows of the data set are next, and what is right for them.
  void read_rows(const int64_t* numbers, int64_t rows, const Objective& by) {
    for (int64_t i = 0; i < rows; ++i) {
      rows_[i] = inputs_ + numbers[i] * features_;
      if (is_sparse_) masks_[i] = data_.masks + numbers[i] * ceil_div(features_, WORD);
      if (by.targets) quantities_[i] = by.targets[numbers[i]];
      else targets_[i] = by.label_map[data_.labels[numbers[i]]];
    }
  }

  // The library wants rows side by side; tiles take them from where they lie.
  bool gather(int64_t rows, int64_t out) {
    is_gathered_ = products_.is_large(rows, features_, out);
    if (!is_gathered_) return false;
    gathered_.reserve(int64_t(rows_.size()) * features_);
    for (int64_t i = 0; i < rows; ++i) {
      T* to = gathered_ + i * features_;
      if (rows_[i] != to) std::memcpy(to, rows_[i], size_t(features_) * sizeof(T));
      rows_[i] = to;
    }
    return true;
  }

  const T* const* rows_of(const T* matrix, int64_t columns, int64_t rows) {
    hidden_rows_.resize(size_t(rows));
    for (int64_t row = 0; row < rows; ++row) hidden_rows_[row] = matrix + row * columns;
    return hidden_rows_.data();
  }

  // A network's weights are as products read them from here on.
  void use(float* parameters) {
    for (int64_t layer = 0; layer < shape_.layers; ++layer) round(parameters, layer);
  }

  const T* compute(const float* parameters, int64_t layer) {
    if constexpr (sizeof(T) == sizeof(float)) return parameters + shape_.kernels[layer];
    else return compute_[layer];
  }

  void round(const float* parameters, int64_t layer) {
    if constexpr (sizeof(T) < sizeof(float))
      round_weights(parameters + shape_.kernels[layer], compute_[layer],
                    shape_.units[layer] * shape_.units[layer + 1]);
  }

  static Coefficients coefficients(const Network& network, int64_t number, bool is_kernel) {
    const float *c = network.constants, *s = network.by_step + (number - 1) * 5;
    return {c[0], c[1], c[2], c[3], s[0], s[1], s[2], is_kernel ? s[3] : 1, is_kernel ? s[4] : 0};
  }

  template <class G>
  static void change(Network& network, int64_t at, const G* gradient, int64_t count,
                     const Coefficients& by) {
    update(network.parameters + at, gradient, network.first ? network.first + at : nullptr,
           network.second ? network.second + at : nullptr, count, by);
  }

  // The metrics of the last batch after its update, and units that give the same for all of it.
  void measure_batch(Network& network) {
    const int64_t rows = shape_.batch;
    network.batch = {};
    const T* logits = forward(network.parameters, rows);
    measure(logits, rows, network.objective, network.batch);
    if (!network.diagnostics) return;
    for (int64_t layer = 0; layer + 1 < shape_.layers; ++layer)
      network.diagnostics[shape_.layers + layer] =
          dead_units(outputs_[layer], rows, shape_.units[layer + 1]);
  }

  static double root_mean_square(const T* values, int64_t count) {
    double total = 0;
    for (int64_t i = 0; i < count; ++i) total += double(widened(values[i])) * widened(values[i]);
    return std::sqrt(total / double(count));
  }

  static double dead_units(const T* outputs, int64_t rows, int64_t units) {
    int64_t dead = 0;
    for (int64_t unit = 0; unit < units; ++unit) {
      bool same = true;
      for (int64_t row = 0; row < rows; ++row)
        same &= widened(outputs[row * units + unit]) == widened(outputs[unit]);
      dead += same;
    }
    return double(dead) / double(units);
  }

  const Shape& shape_;
  const Data& data_;
  DenseProducts<T> products_;
  const int64_t features_, classes_;
  const T* const inputs_;
  const bool is_sparse_;
  SparseProducts sparse_;
  std::vector<const T*> rows_, hidden_rows_;  // where the rows of a product's left side lie
  std::vector<const uint64_t*> masks_;
  std::vector<int64_t> targets_;   // of each row that was read the right output, or
  std::vector<float> quantities_;  // the quantity
  bool is_gathered_ = false;
  Buffer<T> gathered_, kernel_gradient_;
  std::vector<Buffer<T>> outputs_, gradients_;  // of each layer, (row, unit)
  std::vector<Buffer<T>> compute_;              // kernels as products read them
  Buffer<float> bias_gradient_, part_;
  Buffer<Vector> softmax_;
};

template <class Compute>
Status computed(const Compute& compute) {
  SubnormalsAsZero subnormals;
  try {
    compute();
  } catch (const std::bad_alloc&) {
    return OUT_OF_MEMORY;
  } catch (const LibraryError&) {
    return LIBRARY_FAILED;
  }
  return DONE;
}

template <class T>
Status train(const Shape& shape, const Data& data, const Library& library, Network* networks,
             int64_t count, int64_t first_step, int64_t steps) {
  return computed([&] {
    Computation<T> computation(shape, data, library, shape.batch, true);
    computation.order_.reserve(shape.batch);
    for (int64_t i = 0; i < count; ++i) computation.train(networks[i], first_step, steps);
  });
}

template <class T>
Status evaluate(const Shape& shape, const Data& data, const Library& library,
                Evaluation* evaluations, int64_t count) {
  int64_t rows = 0;
  for (int64_t i = 0; i < count; ++i)
    rows = std::max(rows, std::min(EVALUATED_AT_ONCE, evaluations[i].count));
  return computed([&] {
    Computation<T> computation(shape, data, library, rows, false);
    for (int64_t i = 0; i < count; ++i) computation.evaluate(evaluations[i]);
  });
}

}  // namespace mlplab

using namespace mlplab;

// Trains each network by so many steps, the first of which is `first_step`, counted from 1.
EXPORTED int64_t mlplab_train(const Shape* shape, const Data* data, const Library* library,
                              Network* networks, int64_t count, int64_t first_step,
                              int64_t steps) {
  return data->is_bfloat16
             ? train<Bfloat16>(*shape, *data, *library, networks, count, first_step, steps)
             : train<float>(*shape, *data, *library, networks, count, first_step, steps);
}

EXPORTED int64_t mlplab_evaluate(const Shape* shape, const Data* data, const Library* library,
                                 Evaluation* evaluations, int64_t count) {
  return data->is_bfloat16 ? evaluate<Bfloat16>(*shape, *data, *library, evaluations, count)
                           : evaluate<float>(*shape, *data, *library, evaluations, count);
}

// See `write_masks`.
EXPORTED void mlplab_masks(const float* inputs, int64_t rows, int64_t features, uint64_t* masks) {
  write_masks(inputs, rows, features, masks);
}

// The digest of the source that this was made of.
EXPORTED const char* mlplab_digest() { return MLPLAB_DIGEST; }

// Whether this processor runs what is compiled for a kind.
EXPORTED int64_t mlplab_runs(int64_t kind) {
#if defined(__x86_64__)
  if (kind == 2)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (kind == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return kind == 0;
}

// Single operations, for tests that hold them against torch.

EXPORTED int64_t mlplab_product(const Library* library, const float* left, int64_t transposed_left,
                                const float* right, int64_t transposed_right, int64_t height,
                                int64_t depth, int64_t columns, float* out) {
  return computed([&] {
    const int64_t stored = transposed_left ? depth : height, width = transposed_left ? height : depth;
    std::vector<const float*> rows;
    for (int64_t i = 0; i < stored; ++i) rows.push_back(left + i * width);
    DenseProducts<float>(*library).multiply(
        {rows.data(), transposed_left != 0, height, depth, true},
        {right, transposed_right != 0, columns}, out);
  });
}

EXPORTED int64_t mlplab_sparse_product(const float* inputs, const float* right, int64_t transposed,
                                       int64_t rows, int64_t features, int64_t columns, float* out) {
  return computed([&] {
    const int64_t words = ceil_div(features, WORD);
    std::vector<uint64_t> masks(size_t(rows * words));
    write_masks(inputs, rows, features, masks.data());
    std::vector<const float*> x;
    std::vector<const uint64_t*> m;
    for (int64_t i = 0; i < rows; ++i) {
      x.push_back(inputs + i * features);
      m.push_back(masks.data() + i * words);
    }
    SparseProducts sparse(rows, features);
    if (transposed) sparse.multiply_transposed(x.data(), m.data(), rows, right, columns, out);
    else sparse.multiply(x.data(), m.data(), rows, right, columns, out);
  });
}

// The loss of rows and its gradient, if asked for; their metrics are added. Of classes `targets` are
// the right outputs, -1 for none; a quantity has its own in the objective.
EXPORTED double mlplab_loss(const Objective* by, const float* outputs, const int64_t* targets,
                            int64_t rows, int64_t classes, float* gradient, Metrics* metrics) {
  if (by->targets) {
    add_quantity_metrics(outputs, by->targets, rows, by->quantile, *metrics);
    return gradient ? quantity_loss(outputs, by->targets, *by, gradient, rows) : 0;
  }
  Buffer<Vector> memory(classes);
  add_class_metrics(outputs, targets, rows, classes, memory.data(), *metrics);
  return gradient ? cross_entropy(outputs, targets, by->weights, gradient, rows, classes,
                                  memory.data())
                  : 0;
}

EXPORTED void mlplab_update(float* weights, const float* gradient, float* first, float* second,
                            int64_t count, const float* coefficients) {
  const float* c = coefficients;
  update(weights, gradient, first, second, count,
         {c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]});
}
