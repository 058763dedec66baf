#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace peftgrid::orchestrator {

struct Interval {
  double low = 0, high = 0;
  bool holds(double value) const { return low <= value && value <= high; }
};

/// Half the width of a 95 % interval by Student's t for a standard error and its degrees of freedom.
double reach(double error, double degrees);

/// Mean, sample standard deviation (nothing below two values) and how many values.
struct Summary {
  double mean = 0;
  std::optional<double> sd;
  std::size_t n = 0;
};
Summary summarize(const std::vector<double>& values);

/// A difference of means with its 95 % t interval; no interval where fewer than two pairs (or values a side) exist.
struct Estimate {
  double difference = 0;
  std::optional<Interval> interval;
  std::size_t n = 0;  // pairs; 0 where the sides were not paired
};

/// What two seeds must agree in to be compared as a pair: seed and data seed.
using SeedKey = std::pair<std::uint64_t, std::uint64_t>;
using BySeed = std::map<SeedKey, double>;
std::vector<double> values_of(const BySeed& by_seed);

/// 95 % t interval of a mean; nothing below two values.
std::optional<Interval> mean_interval(const std::vector<double>& values);
/// Mean of `method - baseline` over the seeds that both have; nothing where they share none.
std::optional<Estimate> paired_difference(const BySeed& method, const BySeed& baseline);
/// Difference of means of unpaired values, Welch's interval. Both sides must hold a value.
Estimate welch_difference(const BySeed& method, const BySeed& baseline);
/// Paired over the shared seeds where there are three of them, else Welch.
Estimate best_difference(const BySeed& method, const BySeed& baseline);

/// Standard error of an accuracy over a test set of this many rows.
double binomial_error(double accuracy, std::size_t rows);

/// Standard error of any metric: the standard deviation over 200 resamplings of the rows, drawn from Philox with one
/// fixed key, so that the same predictions always give the same number.
using Metric =
    std::function<std::optional<double>(const std::vector<double>& labels, const std::vector<double>& predictions)>;
std::optional<double> bootstrap_error(const std::vector<double>& labels, const std::vector<double>& predictions,
                                      const Metric& metric);

}  // namespace peftgrid::orchestrator
