// The hot loops at every level of x86-64 that this processor runs, beside plain double precision.
#include <cstring>
#include <numbers>

#include "tests/support/plain_attention.hpp"
#include "tests/unit/kernel_levels.hpp"

namespace peftgrid::tests {
namespace {

INSTANTIATE_TEST_SUITE_P(Levels, Kernels, testing::ValuesIn(level_names()), level_name);

TEST_P(Kernels, DropoutDropsWhereRandom123Says) {
  for (const std::int64_t width : {1, 16, 63, 64, 65, 200}) {
    constexpr std::int64_t kTokens = 5;
    const Owners owners(kTokens);
    const std::vector<float> x(static_cast<std::size_t>(kTokens * width), 1.0F);
    std::vector<float> y(x.size()), again(x.size());
    std::vector<std::int8_t> mask(x.size());
    table().dropout(x.data(), y.data(), mask.data(), kTokens, width, 0.25F, owners.stream());
    for (std::int64_t i = 0; i < kTokens * width; ++i) {
      const auto t = static_cast<std::size_t>(i / width);
      const auto bits = plain_random(owners.stream(), i % width, owners.position[t], owners.example[t]);
      const float expected = bits < 0x40000000U ? 0.0F : 1.0F / 0.75F;
      ASSERT_EQ(y[static_cast<std::size_t>(i)], expected) << "width " << width << ", number " << i;
    }
    table().dropout_backward(x.data(), mask.data(), again.data(), kTokens * width, 1.0F / 0.75F);
    EXPECT_EQ(again, y) << "the mask of width " << width;
  }
}

TEST_P(Kernels, DropoutDropsAtItsRateAndScalesTheRest) {
  constexpr std::int64_t kTokens = 400, kWidth = 384;
  const Owners owners(kTokens);
  const std::vector<float> x = numbers(1, kTokens * kWidth);
  std::vector<float> y(x.size());
  for (const float rate : {0.1F, 0.5F, 0.9F}) {
    table().dropout(x.data(), y.data(), nullptr, kTokens, kWidth, rate, owners.stream());
    double dropped = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (y[i] == 0) {
        ++dropped;
      } else {
        ASSERT_EQ(y[i], x[i] * (1.0F / (1.0F - rate)));
      }
    }
    const double p = static_cast<double>(rate), n = static_cast<double>(x.size());
    EXPECT_NEAR(dropped / n, p, 5 * std::sqrt(p * (1 - p) / n));
  }
}

struct PlainNorm {
  PlainNorm(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& weight,
            const std::vector<float>& bias, const std::vector<float>& up, std::size_t token) {
    const std::size_t width = weight.size();
    const auto n = static_cast<double>(width);
    std::vector<double> normed(width);
    double mean = 0, variance = 0, plain = 0, along = 0;
    const auto at = [&](const std::vector<float>& x, std::size_t i) {
      return static_cast<double>(x[token * width + i]);
    };
    for (std::size_t i = 0; i < width; ++i) mean += (at(a, i) + at(b, i)) / n;
    for (std::size_t i = 0; i < width; ++i) variance += std::pow(at(a, i) + at(b, i) - mean, 2) / n;
    for (std::size_t i = 0; i < width; ++i) {
      const auto w = static_cast<double>(weight[i]);
      normed[i] = (at(a, i) + at(b, i) - mean) / std::sqrt(variance + 1e-5);
      y.push_back(normed[i] * w + static_cast<double>(bias[i]));
      plain += at(up, i) * w / n;
      along += at(up, i) * w * normed[i] / n;
    }
    for (std::size_t i = 0; i < width; ++i) {
      const double inner = at(up, i) * static_cast<double>(weight[i]) - plain - normed[i] * along;
      gradient.push_back(inner / std::sqrt(variance + 1e-5));
    }
  }
  std::vector<double> y, gradient;
};

TEST_P(Kernels, NormIsItsFormula) {
  for (const std::int64_t width : {7, 16, 40, 384}) {
    SCOPED_TRACE(width);
    constexpr std::int64_t kTokens = 5;
    const worker::kernels::NormShape shape{kTokens, width, 1e-5F, false};
    const std::vector<float> a = numbers(1, kTokens * width), b = numbers(2, kTokens * width, 3);
    const std::vector<float> weight = numbers(3, width), bias = numbers(4, width), up = numbers(5, kTokens * width);
    std::vector<float> sum(a.size()), y(a.size()), kept(2 * kTokens), gradient(a.size());
    table().add_norm(shape, a.data(), b.data(), weight.data(), bias.data(), sum.data(), y.data(), kept.data());
    table().norm_backward(shape, sum.data(), kept.data(), weight.data(), up.data(), nullptr, gradient.data(), nullptr,
                          nullptr);
    std::vector<double> plain_y, plain_gradient;
    for (std::size_t token = 0; token < kTokens; ++token) {
      const PlainNorm plain(a, b, weight, bias, up, token);
      plain_y.insert(plain_y.end(), plain.y.begin(), plain.y.end());
      plain_gradient.insert(plain_gradient.end(), plain.gradient.begin(), plain.gradient.end());
    }
    EXPECT_LT(relative(y, plain_y), 1e-6);
    EXPECT_LT(relative(gradient, plain_gradient), 2e-6);
  }
}

TEST_P(Kernels, GeluAndItsSlopeAreTheirFormulas) {
  std::vector<float> x;
  for (int i = -150003; i <= 150003; i += 7) x.push_back(static_cast<float>(i) * 1e-4F);
  for (const float far : {-1e30F, -100.0F, 0.0F, 100.0F, 1e30F}) x.push_back(far);
  std::vector<float> y(x.size()), slope(x.size()), alone(x.size());
  table().gelu(x.data(), y.data(), slope.data(), static_cast<std::int64_t>(x.size()));
  table().gelu(x.data(), alone.data(), nullptr, static_cast<std::int64_t>(x.size()));
  EXPECT_EQ(y, alone);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<double>(x[i]);
    const double below = 0.5 * std::erfc(-at * std::numbers::sqrt2 / 2);
    const double bell = std::exp(-at * at / 2) / std::sqrt(2 * std::numbers::pi);
    ASSERT_NEAR(static_cast<double>(y[i]), at * below, 1e-7 * std::max(1.0, std::abs(at))) << at;
    ASSERT_NEAR(static_cast<double>(slope[i]), below + at * bell, 3e-7) << at;
  }
}

TEST_P(Kernels, GeluWritesNothingBehindItsEnd) {
  for (std::int64_t count = 0; count <= 33; ++count) {
    const std::vector<float> x = numbers(1, count + 1);
    std::vector<float> y(x.size(), 5), slope(x.size(), 5);
    table().gelu(x.data(), y.data(), slope.data(), count);
    EXPECT_EQ(y.back(), 5);
    EXPECT_EQ(slope.back(), 5);
  }
}

/// Columns of `a` [n, rows] against those of b [n, columns], in double precision: a^T b.
std::vector<double> inner_products(const std::vector<double>& a, const std::vector<double>& b, std::size_t n) {
  const std::size_t rows = a.size() / n, columns = b.size() / n;
  std::vector<double> c(rows * columns);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) c[i * columns + j] += a[k * rows + i] * b[k * columns + j];
    }
  }
  return c;
}

std::vector<double> turned(const std::vector<double>& a, std::size_t rows) {
  const std::size_t columns = a.size() / rows;
  std::vector<double> b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) b[i % columns * rows + i / columns] = a[i];
  return b;
}

TEST_P(Kernels, LowRankAndItsGradientsAreTheirFormulas) {
  const worker::kernels::LowRankShape shapes[] = {
      {13, 40, 24, 8, 2}, {6, 7, 5, 1, 0.5F}, {9, 16, 384, 17, 1}, {205, 64, 16, 16, 4}};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(shape.rank);
    const std::vector<float> x = numbers(1, shape.tokens * shape.in), down = numbers(2, shape.rank * shape.in);
    const std::vector<float> up = numbers(3, shape.out * shape.rank), gradient = numbers(4, shape.tokens * shape.out);
    std::vector<float> out(gradient.size() + 1, 5), x_gradient(x.size() + 1, 5), down_gradient(down.size() + 1, 5);
    std::vector<float> up_gradient(up.size() + 1, 5);
    const std::int64_t width = worker::kernels::low_rank_width(shape.rank);
    std::vector<float> projected(static_cast<std::size_t>(shape.tokens * width));
    table().low_rank(shape, x.data(), down.data(), up.data(), out.data(), projected.data());
    table().low_rank_backward(shape, x.data(), down.data(), up.data(), projected.data(), gradient.data(),
                              x_gradient.data(), down_gradient.data(), up_gradient.data());

    const auto rank = static_cast<std::size_t>(shape.rank), in = static_cast<std::size_t>(shape.in);
    const auto tokens = static_cast<std::size_t>(shape.tokens);
    const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
    std::vector<double> narrow = inner_products(turned(wide(x), tokens), turned(wide(down), rank), in);
    std::vector<double> narrow_gradient =
        inner_products(turned(wide(gradient), tokens), wide(up), static_cast<std::size_t>(shape.out));
    for (double& value : narrow) value *= static_cast<double>(shape.factor);
    for (double& value : narrow_gradient) value *= static_cast<double>(shape.factor);
    const std::vector<double> lines = turned(wide(up), static_cast<std::size_t>(shape.out));
    EXPECT_LT(relative(out, inner_products(turned(narrow, tokens), lines, rank)), 1e-6);
    EXPECT_LT(relative(x_gradient, inner_products(turned(narrow_gradient, tokens), wide(down), rank)), 1e-6);
    EXPECT_LT(relative(down_gradient, inner_products(narrow_gradient, wide(x), tokens)), 1e-6);
    EXPECT_LT(relative(up_gradient, inner_products(wide(gradient), narrow, tokens)), 1e-6);
    for (const auto* whole : {&out, &x_gradient, &down_gradient, &up_gradient}) EXPECT_EQ(whole->back(), 5);
  }
}

TEST_P(Kernels, AdamWIsItsFormula) {
  constexpr std::int64_t kCount = 1003;
  std::vector<float> weight = numbers(1, kCount), first(kCount), second(kCount);
  std::vector<double> w(weight.begin(), weight.end()), m(kCount), v(kCount);
  for (std::uint32_t step = 1; step <= 20; ++step) {
    const std::vector<float> gradient = numbers(100 + step, kCount, std::pow(10.0, step % 5) * 1e-4);
    const double c1 = 1 - std::pow(0.9, step), c2 = 1 - std::pow(0.999, step);
    table().adamw(weight.data(), gradient.data(), first.data(), second.data(), kCount, 1e-2F, 0.1F, 0.9, 0.999, 1e-8F,
                  static_cast<float>(c1), static_cast<float>(c2), 0.5F);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = static_cast<double>(gradient[i]) * 0.5;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      w[i] = w[i] * (1 - 1e-2 * 0.1) - 1e-2 * (m[i] / c1) / (std::sqrt(v[i] / c2) + 1e-8);
    }
  }
  EXPECT_LT(relative(weight, w), 5e-6);
  EXPECT_LT(relative(first, m), 5e-6);
  EXPECT_LT(relative(second, v), 1e-6) << "1 - 0.999 in fp32 is off by 1e-5";
}

TEST_P(Kernels, WideningIsExact) {
  constexpr std::int64_t kTokens = 3, kWidth = 37;
  const std::vector<float> values = numbers(1, kTokens * kWidth), bias = numbers(2, kWidth);
  std::vector<std::uint16_t> narrow;
  for (const float value : values) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    narrow.push_back(static_cast<std::uint16_t>(bits >> 16));
  }
  std::vector<float> plain(values.size()), shifted(values.size());
  table().bf16_to_float(narrow.data(), nullptr, plain.data(), kTokens, kWidth);
  table().bf16_to_float(narrow.data(), bias.data(), shifted.data(), kTokens, kWidth);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &plain[i], sizeof bits);
    ASSERT_EQ(bits, static_cast<std::uint32_t>(narrow[i]) << 16);
    ASSERT_EQ(shifted[i], plain[i] + bias[i % kWidth]);
  }
}

TEST_P(Kernels, SquaresAddUpInDoublePrecision) {
  for (const std::int64_t count : {0, 1, 15, 16, 17, 10001}) {
    const std::vector<float> x = numbers(1, count);
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value) * static_cast<double>(value);
    EXPECT_NEAR(table().squares(x.data(), count), sum, 1e-12 * sum);
  }
}

}  // namespace
}  // namespace peftgrid::tests
