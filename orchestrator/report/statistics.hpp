#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace peftgrid::orchestrator {

struct Interval {
  double low = 0, high = 0;
  bool holds(double value) const { return low <= value && value <= high; }
};

/// Quantile of Student's t; `degrees` above 0, infinity included. `probability` between 0 and 1.
double t_quantile(double probability, double degrees);
/// Two-sided p value of Student's t for a difference that is `t` standard errors from 0.
double t_two_sided(double t, double degrees);

/// Mean, sample standard deviation (nothing below two values) and how many values.
struct Summary {
  double mean = 0;
  std::optional<double> sd;
  std::size_t n = 0;
};
Summary summarize(const std::vector<double>& values);
/// Of what is compared by its logarithm: the geometric mean, and the logarithms' deviation times it. Above 0.
Summary summarize_logs(const std::vector<double>& values);

/// What two seeds must agree in to be compared as a pair: seed and data seed.
using SeedKey = std::pair<std::uint64_t, std::uint64_t>;
using BySeed = std::map<SeedKey, double>;
std::vector<double> values_of(const BySeed& by_seed);

/// 95 % t interval of a mean; nothing below two values.
std::optional<Interval> mean_interval(const std::vector<double>& values);
/// Of a geometric mean.
std::optional<Interval> mean_interval_of_logs(const std::vector<double>& values);

/// Wilson's 95 % interval of a share: `some` of `all`, which is not 0.
Interval share_interval(std::size_t some, std::size_t all);

}  // namespace peftgrid::orchestrator
