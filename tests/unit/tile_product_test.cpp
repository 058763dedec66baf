// Products of fp32 numbers by tiles of bf16 parts, beside double precision; on processors that have tiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "worker/kernels/cpu/tile_product.hpp"

namespace peftgrid::tests {
namespace {

namespace kernels = worker::kernels;

constexpr double kHalfUnit = 0x1p-24;  // of a float: what one rounding may cost

struct Matrix {
  std::int64_t lines, depth;
  bool by_line;  // else its lines lie side by side
  std::vector<float> numbers;

  Matrix(std::int64_t line_count, std::int64_t line_depth, bool lines_whole, unsigned seed)
      : lines(line_count), depth(line_depth), by_line(lines_whole), numbers(static_cast<std::size_t>(lines * depth)) {
    std::mt19937 draw(seed);
    std::normal_distribution<float> normal;
    for (float& number : numbers) number = normal(draw);
  }
  kernels::Factor factor() const { return {numbers.data(), lines, by_line ? depth : 1, by_line ? 1 : lines}; }
  float& at(std::int64_t line, std::int64_t k) {
    return numbers[static_cast<std::size_t>(by_line ? line * depth + k : k * lines + line)];
  }
  double operator()(std::int64_t line, std::int64_t k) const {
    return static_cast<double>(numbers[static_cast<std::size_t>(by_line ? line * depth + k : k * lines + line)]);
  }
};

std::vector<float> product(const Matrix& left, const Matrix& right, const float* bias = nullptr) {
  std::vector<float> out(static_cast<std::size_t>(left.lines * right.lines), 7.0F);
  kernels::tile_product({left.factor(), right.factor(), left.depth, bias, false, out.data()});
  return out;
}

/// How far `out` is from the exact product, in half units of the sum of its products' sizes.
struct Error {
  double worst = 0, mean_square = 0;
};
Error error_of(const Matrix& left, const Matrix& right, const std::vector<float>& out) {
  Error error;
  for (std::int64_t i = 0; i < left.lines; ++i) {
    for (std::int64_t j = 0; j < right.lines; ++j) {
      double sum = 0, size = 0;
      for (std::int64_t k = 0; k < left.depth; ++k) {
        sum += left(i, k) * right(j, k);
        size += std::abs(left(i, k) * right(j, k));
      }
      const double off = std::abs(static_cast<double>(out[static_cast<std::size_t>(i * right.lines + j)]) - sum) / size;
      error.worst = std::max(error.worst, off / kHalfUnit);
      error.mean_square += off * off / kHalfUnit / kHalfUnit / static_cast<double>(out.size());
    }
  }
  return error;
}

/// One sum after another in fp32, as a plain loop has it.
std::vector<float> plain_product(const Matrix& left, const Matrix& right) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < left.lines; ++i) {
    for (std::int64_t j = 0; j < right.lines; ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < left.depth; ++k)
        sum = std::fma(static_cast<float>(left(i, k)), static_cast<float>(right(j, k)), sum);
      out.push_back(sum);
    }
  }
  return out;
}

class TileProduct : public testing::Test {
 protected:
  void SetUp() override {
    if (!kernels::has_tiles()) GTEST_SKIP() << "this processor has no tiles";
  }
};

TEST_F(TileProduct, OfOddSizesIsTheProductHoweverTheFactorsLie) {
  for (const bool left_whole : {true, false}) {
    for (const bool right_whole : {true, false}) {
      for (const auto [lines, columns, depth] : std::vector<std::array<std::int64_t, 3>>{
               {1, 1, 1}, {1, 3, 5}, {16, 16, 32}, {37, 45, 67}, {33, 31, 1}, {5, 70, 600}, {290, 40, 33}}) {
        const Matrix left(lines, depth, left_whole, 1), right(columns, depth, right_whole, 2);
        EXPECT_LT(error_of(left, right, product(left, right)).worst, 4)
            << lines << " x " << columns << " x " << depth << ", left " << left_whole << ", right " << right_whole;
      }
    }
  }
}

TEST_F(TileProduct, IsAtLeastAsExactAsSumsInSinglePrecision) {
  const Matrix left(40, 1500, true, 3), right(50, 1500, true, 4);
  const double plain = error_of(left, right, plain_product(left, right)).mean_square;
  EXPECT_LT(error_of(left, right, product(left, right)).mean_square, plain);
}

TEST_F(TileProduct, OfWholeNumbersIsExact) {
  Matrix left(20, 100, true, 5), right(20, 100, true, 6);
  for (auto* matrix : {&left, &right}) {
    for (float& number : matrix->numbers) number = std::round(100 * number);
  }
  const std::vector<float> out = product(left, right);
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t j = 0; j < 20; ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < 100; ++k) sum += left(i, k) * right(j, k);
      ASSERT_EQ(static_cast<double>(out[static_cast<std::size_t>(i * 20 + j)]), sum) << i << ", " << j;
    }
  }
}

TEST_F(TileProduct, HoldsForLargeAndSmallNumbers) {
  for (const float scale : {1e-15F, 1e15F}) {
    Matrix left(17, 80, true, 7), right(19, 80, false, 8);
    for (float& number : left.numbers) number *= scale;
    for (float& number : right.numbers) number *= scale;
    EXPECT_LT(error_of(left, right, product(left, right)).worst, 4) << scale;
  }
}

TEST_F(TileProduct, AddsABiasOrWhatIsThere) {
  const Matrix left(35, 1200, true, 9), right(43, 1200, true, 10), biases(1, 43, true, 11);
  const std::vector<float> plain = product(left, right), biased = product(left, right, biases.numbers.data());
  std::vector<float> added(plain.size(), 0.5F);
  kernels::tile_product({left.factor(), right.factor(), left.depth, nullptr, true, added.data()});
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_NEAR(biased[i], plain[i] + biases.numbers[i % 43], 1e-4) << i;
    ASSERT_NEAR(added[i], plain[i] + 0.5F, 1e-4) << i;
  }
}

TEST_F(TileProduct, OfALineDoesNotDependOnTheOthers) {
  const Matrix left(300, 90, true, 12), right(50, 90, true, 13);
  const std::vector<float> all = product(left, right);
  for (const std::int64_t lines : {1, 31, 257}) {
    Matrix some = left;
    some.lines = lines;
    const std::vector<float> out = product(some, right);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), all.begin())) << lines << " lines";
  }
}

TEST_F(TileProduct, LetsNoNumberThatIsNonePass) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN(), kEndless = std::numeric_limits<float>::infinity();
  for (const float odd : {kNone, -kNone, kEndless, -kEndless}) {
    Matrix left(3, 40, true, 14);
    const Matrix right(2, 40, true, 15);
    left.at(1, 21) = odd;
    const std::vector<float> out = product(left, right);
    EXPECT_TRUE(std::isfinite(out[0]) && std::isfinite(out[5]));
    EXPECT_FALSE(std::isfinite(out[2]) || std::isfinite(out[3])) << odd;
  }
}

}  // namespace
}  // namespace peftgrid::tests
