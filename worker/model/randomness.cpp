#include "worker/model/randomness.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace peftgrid::worker {

namespace {

/// SplitMix64's finaliser: neighbouring seeds get unrelated keys.
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// In (0, 1]: Box-Muller takes its logarithm.
double unit(std::uint32_t bits) {
  return (static_cast<double>(bits) + 1.0) * 0x1p-32;
}

}  // namespace

Key stream(std::uint64_t seed, Purpose purpose, std::uint32_t where) {
  const std::uint64_t mixed = scramble(seed);
  const std::uint64_t use = scramble(static_cast<std::uint64_t>(purpose) << 32 | where);
  return {static_cast<std::uint32_t>(mixed ^ use), static_cast<std::uint32_t>((mixed >> 32) ^ (use >> 32))};
}

Four philox(Key key, std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3) {
  const r123::Philox4x32 generator;
  const auto out = generator({{c0, c1, c2, c3}}, {{key.a, key.b}});
  return {{out[0], out[1], out[2], out[3]}};
}

std::vector<float> normal(Key key, std::int64_t count, double std) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const Four four = philox(key, static_cast<std::uint32_t>(i / 4), 0, 0, 0);
    for (std::size_t k = 0; k < 4 && i + k < values.size(); ++k) {
      const double radius = std::sqrt(-2.0 * std::log(unit(four.v[k & ~1U])));
      const double angle = 2.0 * std::numbers::pi * unit(four.v[k | 1U]);
      values[i + k] = static_cast<float>(std * radius * ((k & 1U) == 0 ? std::cos(angle) : std::sin(angle)));
    }
  }
  return values;
}

std::vector<float> truncated_normal(Key key, std::int64_t count, double std) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    double drawn = 0;
    std::uint32_t attempt = 0;
    do {
      const Four four = philox(key, static_cast<std::uint32_t>(i), ++attempt, 0, 0);
      drawn = std::sqrt(-2.0 * std::log(unit(four.v[0]))) * std::cos(2.0 * std::numbers::pi * unit(four.v[1]));
    } while (std::abs(drawn) > 2);
    values[i] = static_cast<float>(std * drawn);
  }
  return values;
}

std::vector<float> uniform(Key key, std::int64_t count, double bound) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Four four = philox(key, static_cast<std::uint32_t>(i / 4), 0, 0, 0);
    values[i] = static_cast<float>(bound * (2.0 * (static_cast<double>(four.v[i % 4]) * 0x1p-32) - 1.0));
  }
  return values;
}

std::vector<std::int64_t> permutation(Key key, std::int64_t count, std::uint32_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) {
    const Four four = philox(key, static_cast<std::uint32_t>(i), epoch, 0, 0);
    const std::uint64_t bits = static_cast<std::uint64_t>(four.v[0]) << 32 | four.v[1];
    std::swap(order[i - 1], order[bits % i]);  // the bias is below i / 2^64
  }
  return order;
}

}  // namespace peftgrid::worker
