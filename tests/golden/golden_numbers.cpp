#include "tests/golden/golden_numbers.hpp"

#include <string>

namespace peftgrid::tests {

namespace {

/// SplitMix64 from the FNV-1a hash of a name.
class Words {
 public:
  explicit Words(std::string_view name) {
    for (const char byte : name) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

}  // namespace

std::vector<float> golden_numbers(std::string_view name, std::size_t count, double spread, double centre) {
  Words words(name);
  std::vector<float> values(count);
  for (float& value : values) {
    const double unit = static_cast<double>(words.next() >> 40) * 0x1p-24;
    value = static_cast<float>(centre + spread * (2 * unit - 1));
  }
  return values;
}

std::array<double, 8> golden_projection(std::string_view name, std::span<const float> values) {
  Words words("projection/" + std::string(name));
  std::array<double, 8> sums{};
  for (const float value : values) {
    const std::uint64_t signs = words.next();
    for (std::size_t k = 0; k < sums.size(); ++k) {
      sums[k] += (signs >> k & 1U) != 0 ? static_cast<double>(value) : -static_cast<double>(value);
    }
  }
  return sums;
}

}  // namespace peftgrid::tests
