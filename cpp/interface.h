// What Python hands over, field by field as in `mlplab/networks/kernels.py`: every field takes eight
// bytes, so that a NumPy structured array is an array of these.
#pragma once

#include <cstdint>

namespace mlplab {

// The shape of a network, and how its parameters lie in one block of float32.
struct Shape {
  int64_t layers;          // of weights: hidden layers and the output layer
  int64_t batch;           // rows of a training step
  const int64_t* units;    // (layers + 1,) from the inputs to the outputs
  const int64_t* kernels;  // (layers,) where in the block each (in, out) kernel starts
  const int64_t* biases;   // (layers,) likewise each (out,) bias
};

// A data set: one row after the other, float32 or bfloat16.
struct Data {
  const void* inputs;      // (row, feature)
  int64_t is_bfloat16;
  const int64_t* labels;   // (row,) the class of each row
  const uint64_t* masks;   // (row, word) a bit for each feature that is not zero; null: dense
};

// torch's batched matrix product by its interface for C; all null where torch has no such interface.
struct Library {
  int32_t (*bmm_out)(void* out, void* left, void* right);
  int32_t (*create_tensor)(void* data, int64_t dimensions, const int64_t* sizes,
                           const int64_t* strides, int64_t offset, int32_t type, int32_t device,
                           int32_t device_index, void** tensor);
  int32_t (*delete_tensor)(void* tensor);
};

enum ObjectiveKind : int64_t { CROSS_ENTROPY, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, PINBALL };

// What a network's outputs are held against, and by which loss. Classes have a label map, a quantity
// has targets; the other one is null.
struct Objective {
  int64_t kind;              // of the loss
  const int64_t* label_map;  // (class,) the output that stands for a class, -1 for none
  const float* targets;      // (row,) of the data set, the one output's
  const float* weights;      // null, or (output,): how much a row of each class counts
  double delta;              // of HUBER
  double quantile;           // of PINBALL, and of the pinball loss that is measured
};

// Which sum over rows stands where in `Metrics`. Classes have the first three, a quantity the rest
// and the first, which is of squared errors then.
enum Sum { LOSS, ACCURACY, SOFTMAXED_LOSS };
enum QuantitySum { ABSOLUTE_ERROR_SUM = 1, PINBALL_SUM, TARGET_SUM, TARGET_SQUARES, SUMS };

// Sums over rows; the mean is taken by who asks. Rows of no known class are not counted.
// SOFTMAXED_LOSS: cross-entropy of an output that is a softmax already (the 2023 report).
struct Metrics {
  int64_t rows;
  double sums[SUMS];
};

// One network in training. Moments that its optimizer does not have are null.
struct Network {
  float* parameters;
  float* first;
  float* second;
  const int64_t* train_rows;  // (row,) into the data set
  const int64_t* batches;     // (step, batch) positions among the training rows
  const float* constants;     // (4,) keep_first, add_first, keep_second, add_second
  const float* by_step;       // (step, 5) size, eps_in_sqrt, eps_outside, decoupled_decay, decay
  int64_t diverged_at;        // the first step whose loss was not finite, 0 for none so far
  double seconds;             // of training; added to
  double* diagnostics;        // null, or (2, layers): gradient sizes, shares of dead units
  Objective objective;
  Metrics batch;              // of the last batch, after its update
};

// One network to be evaluated on some rows.
struct Evaluation {
  const float* parameters;
  const int64_t* rows;     // (count,) into the data set
  int64_t count;
  float* logits;           // null, or (count, output)
  Objective objective;
  Metrics metrics;
};

enum Status : int64_t { DONE = 0, OUT_OF_MEMORY = 1, LIBRARY_FAILED = 2 };

}  // namespace mlplab
