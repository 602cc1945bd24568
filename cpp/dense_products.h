// Products of dense matrices: small ones by tiles that lie in vector registers, large ones by the
// library that torch brings.
#pragma once

#include "interface.h"
#include "vectors.h"

namespace mlplab {

constexpr int TILE_ROWS = MANY_REGISTERS ? 8 : 4;
constexpr int TILE_VECTORS = 2;
constexpr int PANEL = TILE_VECTORS * LANES;  // columns of a panel of the right-hand matrix
// A right-hand matrix of so many bytes lies in the innermost cache as it is; larger ones are copied
// panel by panel, since lines that are far apart displace each other.
constexpr int64_t NEAR_BYTES = 32 * 1024;
// From so many multiplications on the library is quicker; it is never for so few columns, of which
// it makes a poor job (a fifth to a third of its speed for the ten outputs of ten classes).
constexpr int64_t LIBRARY_FROM = 1 << 21;
constexpr int64_t LIBRARY_COLUMNS = 32;

// A left-hand matrix, by a pointer to each stored row: rows that lie anywhere need no gathering.
template <class T>
struct Left {
  const T* const* rows;
  bool transposed;   // whether the product takes its columns as rows
  int64_t height;    // rows of the product
  int64_t depth;     // products in a sum
  bool contiguous;   // whether the stored rows lie one after the other
};

// A right-hand matrix as it is stored, (depth, column) or, transposed, (column, depth).
template <class T>
struct Right {
  const T* data;
  bool transposed;
  int64_t columns;
};

class LibraryError {};

// ROWS x VECTORS sums in registers: out[i, :] = sum over k of left(i, k) * panel[k, :].
// `first` is the tile's first row; `width` the columns that are wanted of it. Up to `free_until` what
// lies behind a row may be overwritten, since it is computed later.
template <int ROWS, int VECTORS, bool TRANSPOSED, class T>
inline void multiply_tile(const T* const* left, int64_t first, int64_t depth, const float* panel,
                          int64_t panel_stride, T* out, int64_t out_stride, int64_t width,
                          const T* free_until) {
  Vector sums[ROWS][VECTORS] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Vector line[VECTORS];
    for (int v = 0; v < VECTORS; ++v) line[v] = load(panel + k * panel_stride + v * LANES);
#pragma GCC unroll 8
    for (int row = 0; row < ROWS; ++row) {
      float factor = widened(TRANSPOSED ? left[k][first + row] : left[first + row][k]);
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; ++v) sums[row][v] += factor * line[v];
    }
  }
  for (int row = 0; row < ROWS; ++row) {
    T* to = out + (first + row) * out_stride;
    if (width == VECTORS * LANES || to + VECTORS * LANES <= free_until) {
      for (int v = 0; v < VECTORS; ++v) store(to + v * LANES, sums[row][v]);
    } else {
      T whole[VECTORS * LANES];
      for (int v = 0; v < VECTORS; ++v) store(whole + v * LANES, sums[row][v]);
      std::memcpy(to, whole, size_t(width) * sizeof(T));
    }
  }
}

// All rows of one panel. The last tile overlaps the one before, where rows are left over.
template <int VECTORS, bool TRANSPOSED, class T>
void multiply_panel(const Left<T>& left, const float* panel, int64_t panel_stride, T* out,
                    int64_t out_stride, int64_t width) {
  int64_t row = 0;
  const T* free_until = width == out_stride ? out + left.height * out_stride : out;
  if (left.height < TILE_ROWS) {
    for (; row < left.height; ++row)
      multiply_tile<1, VECTORS, TRANSPOSED>(left.rows, row, left.depth, panel, panel_stride, out,
                                            out_stride, width, free_until);
    return;
  }
  for (; row < left.height; row += TILE_ROWS) {
    int64_t first = row + TILE_ROWS <= left.height ? row : left.height - TILE_ROWS;
    multiply_tile<TILE_ROWS, VECTORS, TRANSPOSED>(left.rows, first, left.depth, panel,
                                                  panel_stride, out, out_stride, width,
                                                  free_until);
  }
}

// Columns `column` to `column + width` of the right-hand matrix as (depth, padded) float32, padded
// with zeros to whole vectors.
template <class T>
void copy_panel(const Right<T>& right, int64_t depth, int64_t column, int64_t width,
                int64_t padded, float* panel) {
  for (int64_t k = 0; k < depth; ++k) {
    float* to = panel + k * padded;
    if (right.transposed)
      for (int64_t j = 0; j < width; ++j) to[j] = widened(right.data[(column + j) * depth + k]);
    else
      for (int64_t j = 0; j < width; ++j)
        to[j] = widened(right.data[k * right.columns + column + j]);
    for (int64_t j = width; j < padded; ++j) to[j] = 0;
  }
}

inline const float* as_it_lies(const Right<float>& right) { return right.data; }
inline const float* as_it_lies(const Right<Bfloat16>&) { return nullptr; }

template <class T>
class DenseProducts {
 public:
  explicit DenseProducts(const Library& library) : library_(library) {}

  // Whether the library computes a product; its left-hand matrix has to be contiguous then.
  bool is_large(int64_t height, int64_t depth, int64_t columns) const {
    return library_.bmm_out && columns >= LIBRARY_COLUMNS && height >= LIBRARY_COLUMNS &&
           height * depth * columns >= LIBRARY_FROM;
  }

  // out (height, column) = left · right
  void multiply(const Left<T>& left, const Right<T>& right, T* out) {
    if (left.contiguous && is_large(left.height, left.depth, right.columns))
      return multiply_by_library(left, right, out);
    for (int64_t column = 0; column < right.columns; column += PANEL) {
      int64_t rest = right.columns - column, width = rest < PANEL ? rest : PANEL;
      int64_t vectors = width > LANES ? 2 : 1, padded = vectors * LANES, stride = right.columns;
      const float* panel = as_it_lies(right);
      bool is_near = left.depth * stride * int64_t(sizeof(float)) <= NEAR_BYTES;
      if (panel && width == padded && !right.transposed && is_near) {
        panel += column;
      } else {
        panel_.reserve(left.depth * PANEL);
        copy_panel(right, left.depth, column, width, padded, panel_);
        panel = panel_;
        stride = padded;
      }
      T* to = out + column;
      if (vectors == 2)
        left.transposed ? multiply_panel<2, true>(left, panel, stride, to, right.columns, width)
                        : multiply_panel<2, false>(left, panel, stride, to, right.columns, width);
      else
        left.transposed ? multiply_panel<1, true>(left, panel, stride, to, right.columns, width)
                        : multiply_panel<1, false>(left, panel, stride, to, right.columns, width);
    }
  }

 private:
  void multiply_by_library(const Left<T>& left, const Right<T>& right, T* out) {
    int64_t m = left.height, k = left.depth, n = right.columns;
    void* tensors[3] = {};
    bool failed = !view(out, m, n, n, 1, &tensors[0]) ||
                  !(left.transposed ? view(left.rows[0], m, k, 1, m, &tensors[1])
                                    : view(left.rows[0], m, k, k, 1, &tensors[1])) ||
                  !(right.transposed ? view(right.data, k, n, 1, k, &tensors[2])
                                     : view(right.data, k, n, n, 1, &tensors[2])) ||
                  library_.bmm_out(tensors[0], tensors[1], tensors[2]) != 0;
    for (void* tensor : tensors)
      if (tensor) library_.delete_tensor(tensor);
    if (failed) throw LibraryError();
  }

  // A (1, rows, columns) tensor of torch over memory that stays ours.
  bool view(const T* data, int64_t rows, int64_t columns, int64_t row_stride,
            int64_t column_stride, void** tensor) {
    const int64_t sizes[] = {1, rows, columns};
    const int64_t strides[] = {rows * columns, row_stride, column_stride};
    const int32_t type = sizeof(T) == 4 ? 6 : 15, cpu = 0;  // c10::ScalarType, c10::DeviceType
    return library_.create_tensor(const_cast<T*>(data), 3, sizes, strides, 0, type, cpu, 0,
                                  tensor) == 0;
  }

  Library library_;
  Buffer<float> panel_;
};

}  // namespace mlplab
