// x·W and xᵀ·g for an x (row, feature) that is mostly zeros, without the zeros.
//
// Single numbers that are not zero, and a line of W for each, keep a processor waiting for its cache.
// So rows of x are taken four at a time, with every feature that any of them has: a line of W then
// serves four rows. For xᵀ·g four features are taken, with every row that has any of them. Such a
// group is a list of entries: a line, and four factors. Lists are cut into parts, so that the lines
// of W or g that a part speaks of fill the innermost cache; they are laid there as a panel.
//
// Skipping a zero changes nothing of a sum of finite numbers but the sign of a zero. Every sum is
// taken in the order of the features, or of the rows.
#pragma once

#include "vectors.h"

namespace mlplab {

constexpr int64_t GROUP = 4;                    // rows or features that share an entry
constexpr int64_t SPARSE_VECTORS = MANY_REGISTERS ? 4 : 2;
constexpr int64_t WIDE = SPARSE_VECTORS * LANES;  // columns of a panel
constexpr int64_t WORD = 64;
constexpr int64_t DEEP = 2 * WORD;              // lines of a panel
// With fewer rows or columns, to write lists and panels takes as long as to multiply it all.
constexpr int64_t SPARSE_FROM = 64;

inline int64_t ceil_div(int64_t number, int64_t by) { return (number + by - 1) / by; }

class SparseProducts {
 public:
  static bool pays(int64_t rows, int64_t columns) {
    return FUSES && rows >= SPARSE_FROM && columns >= SPARSE_FROM;
  }

  // Rows of the data set by pointers to their features and to their masks; rows is at most `most`.
  SparseProducts(int64_t most, int64_t features)
      : features_(features), words_(ceil_div(features, WORD)) {
    int64_t tall = ceil_div(most, GROUP), wide = ceil_div(features, GROUP);
    int64_t entries = tall * features > wide * most ? tall * features : wide * most;
    int64_t by_rows = (ceil_div(features, DEEP) + 1) * tall;
    int64_t by_features = (ceil_div(most, DEEP) + 1) * wide;
    lines_.reserve(entries);
    factors_.reserve(entries * GROUP);
    ends_.reserve(by_rows > by_features ? by_rows : by_features);
    panel_.reserve(DEEP * WIDE);
    sums_.reserve((tall > wide ? tall : wide) * GROUP * WIDE);
  }

  // out (row, column) = x · right, right (feature, column)
  void multiply(const float* const* x, const uint64_t* const* masks, int64_t rows,
                const float* right, int64_t columns, float* out) {
    list_rows(x, masks, rows);
    multiply_lists(rows, features_, right, columns, out);
  }

  // out (feature, column) = xᵀ · right, right (row, column)
  void multiply_transposed(const float* const* x, const uint64_t* const* masks, int64_t rows,
                           const float* right, int64_t columns, float* out) {
    list_features(x, masks, rows);
    multiply_lists(features_, rows, right, columns, out);
  }

 private:
  // Lists of each four rows: the features that any of them has.
  void list_rows(const float* const* x, const uint64_t* const* masks, int64_t rows) {
    const int64_t groups = ceil_div(rows, GROUP), words_of_a_part = DEEP / WORD;
    int64_t entry = 0;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = group * GROUP, count = rows - first < GROUP ? rows - first : GROUP;
      ends_[group] = entry;
      for (int64_t word = 0; word < words_; ++word) {
        uint64_t bits = 0;
        for (int64_t row = 0; row < count; ++row) bits |= masks[first + row][word];
        for (; bits; bits &= bits - 1) {
          const int64_t feature = word * WORD + __builtin_ctzll(bits);
          lines_[entry] = uint8_t(feature % DEEP);
          float* factors = factors_ + entry * GROUP;
          for (int64_t row = 0; row < GROUP; ++row)
            factors[row] = row < count ? x[first + row][feature] : 0;
          ++entry;
        }
        if ((word + 1) % words_of_a_part == 0 || word + 1 == words_)
          ends_[(word / words_of_a_part + 1) * groups + group] = entry;
      }
    }
  }

  // Lists of each four features: the rows that have any of them. All lists grow at once, as rows are
  // read, each where it has room for all rows. Until the end, the first part of `ends_` is where
  // each is written next; then it is where each begins.
  void list_features(const float* const* x, const uint64_t* const* masks, int64_t rows) {
    constexpr uint64_t FOURTHS = 0x1111111111111111u;  // the first bit of every four
    const int64_t groups = ceil_div(features_, GROUP);
    for (int64_t group = 0; group < groups; ++group) ends_[group] = group * rows;
    for (int64_t row = 0; row < rows; ++row) {
      if (row && row % DEEP == 0) end_part(row / DEEP, groups);
      for (int64_t word = 0; word < words_; ++word) {
        uint64_t bits = masks[row][word];
        bits |= bits >> 1;
        bits = (bits | bits >> 2) & FOURTHS;
        for (; bits; bits &= bits - 1) {
          const int64_t feature = word * WORD + __builtin_ctzll(bits);
          const int64_t entry = ends_[feature / GROUP]++;
          lines_[entry] = uint8_t(row % DEEP);
          float* factors = factors_ + entry * GROUP;
          if (feature + GROUP <= features_)
            std::memcpy(factors, x[row] + feature, GROUP * sizeof(float));
          else
            for (int64_t i = 0; i < GROUP; ++i)
              factors[i] = feature + i < features_ ? x[row][feature + i] : 0;
        }
      }
    }
    end_part(ceil_div(rows, DEEP), groups);
    for (int64_t group = 0; group < groups; ++group) ends_[group] = group * rows;
  }

  void end_part(int64_t part, int64_t groups) {
    std::memcpy(ends_ + part * groups, ends_, size_t(groups) * sizeof(int64_t));
  }

  // Lists of a (height, depth) matrix times `right`, (depth, column), panel by panel.
  void multiply_lists(int64_t height, int64_t depth, const float* right, int64_t columns,
                      float* out) {
    const int64_t groups = ceil_div(height, GROUP), parts = ceil_div(depth, DEEP);
    for (int64_t column = 0; column < columns; column += WIDE) {
      const int64_t width = columns - column < WIDE ? columns - column : WIDE;
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t line = part * DEEP, lines = depth - line < DEEP ? depth - line : DEEP;
        for (int64_t deep = 0; deep < lines; ++deep)
          std::memcpy(panel_ + deep * WIDE, right + (line + deep) * columns + column,
                      size_t(width) * sizeof(float));
        for (int64_t group = 0; group < groups; ++group)
          add_to_tile(ends_[part * groups + group], ends_[(part + 1) * groups + group],
                      sums_ + group * GROUP * WIDE, part == 0);
      }
      for (int64_t row = 0; row < height; ++row)
        std::memcpy(out + row * columns + column, sums_ + row * WIDE,
                    size_t(width) * sizeof(float));
    }
  }

  // A tile of GROUP rows in registers: to each row is added its factor times a line, entry by entry.
  void add_to_tile(int64_t start, int64_t stop, float* sums, bool is_first) {
    Vector tile[GROUP][SPARSE_VECTORS] = {};
    if (!is_first)
      for (int row = 0; row < GROUP; ++row)
        for (int v = 0; v < SPARSE_VECTORS; ++v)
          tile[row][v] = load(sums + row * WIDE + v * LANES);
    for (int64_t entry = start; entry < stop; ++entry) {
      const float* line = panel_ + lines_[entry] * WIDE;
      const float* factors = factors_ + entry * GROUP;
      Vector numbers[SPARSE_VECTORS];
      for (int v = 0; v < SPARSE_VECTORS; ++v) numbers[v] = load(line + v * LANES);
#pragma GCC unroll 4
      for (int row = 0; row < GROUP; ++row)
#pragma GCC unroll 4
        for (int v = 0; v < SPARSE_VECTORS; ++v)
          tile[row][v] += factors[row] * numbers[v];
    }
    for (int row = 0; row < GROUP; ++row)
      for (int v = 0; v < SPARSE_VECTORS; ++v) store(sums + row * WIDE + v * LANES, tile[row][v]);
  }

  const int64_t features_, words_;
  Buffer<uint8_t> lines_;
  Buffer<float> factors_;
  Buffer<int64_t> ends_;   // (part + 1, group) where in the lists each part of a group ends
  Buffer<float> panel_;
  Buffer<float> sums_;
};

// A bit for every feature of every row that is not zero; NaN is not zero.
inline void write_masks(const float* inputs, int64_t rows, int64_t features, uint64_t* masks) {
  const int64_t words = ceil_div(features, WORD);
  std::memset(masks, 0, size_t(rows * words) * sizeof(uint64_t));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t feature = 0; feature < features; ++feature)
      masks[row * words + feature / WORD] |= uint64_t(inputs[row * features + feature] != 0)
                                             << (feature % WORD);
}

}  // namespace mlplab
