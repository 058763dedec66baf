#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Numbers that the reference drew by the same rule (reference/golden_numbers.py), so that no weight has to be stored.
namespace peftgrid::tests {

/// `count` numbers uniform in centre ± spread.
std::vector<float> golden_numbers(std::string_view name, std::size_t count, double spread, double centre = 0);

/// Sums of `values` under eight sequences of random signs.
std::array<double, 8> golden_projection(std::string_view name, std::span<const float> values);

}  // namespace peftgrid::tests
