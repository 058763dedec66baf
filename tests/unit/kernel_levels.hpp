#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/model/randomness.hpp"

/// What tests of the hot loops share: every level of x86-64 that this processor runs, numbers, and whose tokens are.
namespace peftgrid::tests {

using worker::kernels::Table;
using worker::kernels::TokenStream;

inline std::vector<const Table*> levels() {
  std::vector<const Table*> found;
  for (const Table* const* table = worker::kernels::all_tables(); *table != nullptr; ++table) found.push_back(*table);
  return found;
}

inline std::vector<float> numbers(std::uint32_t which, std::int64_t count, double spread = 1) {
  return worker::uniform({which, 17}, count, spread);
}

template <typename Number>
double relative(const std::vector<float>& ours, const std::vector<Number>& plain) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    difference += std::pow(static_cast<double>(ours.at(i)) - static_cast<double>(plain[i]), 2);
    size += std::pow(static_cast<double>(plain[i]), 2);
  }
  return std::sqrt(difference / std::max(size, 1e-300));
}

class Kernels : public testing::TestWithParam<std::string> {
 protected:
  static const Table& table() {
    for (const Table* table : levels()) {
      if (table->level == GetParam()) return *table;
    }
    throw std::out_of_range(GetParam());
  }
};
inline std::vector<std::string> level_names() {
  std::vector<std::string> names;
  for (const Table* table : levels()) names.emplace_back(table->level);
  return names;
}
inline std::string level_name(const testing::TestParamInfo<std::string>& one) {
  std::string name = one.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

struct Owners {
  explicit Owners(std::int64_t tokens) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      example.push_back(static_cast<std::uint32_t>(7 * t / 5));
      position.push_back(static_cast<std::uint32_t>(t % 70));
    }
  }
  TokenStream stream() const { return {11, 22, 33, example.data(), position.data()}; }
  std::vector<std::uint32_t> example, position;
};

TEST(Randomness, IsRandom123sPhilox) {
  // The known answers of Random123's own tests for philox4x32, 10 rounds.
  const worker::Four zeros = worker::philox({0, 0}, 0, 0, 0, 0);
  EXPECT_EQ(zeros.v[0], 0x6627e8d5U);
  EXPECT_EQ(zeros.v[1], 0xe169c58dU);
  EXPECT_EQ(zeros.v[2], 0xbc57ac4cU);
  EXPECT_EQ(zeros.v[3], 0x9b00dbd8U);
  EXPECT_EQ(worker::philox({~0U, ~0U}, ~0U, ~0U, ~0U, ~0U).v[0], 0x408f276dU);
}

}  // namespace peftgrid::tests
