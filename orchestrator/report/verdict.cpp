#include "orchestrator/report/verdict.hpp"

#include <algorithm>
#include <cmath>

namespace peftgrid::orchestrator {
namespace {

constexpr double kError = 0.05;
constexpr double kPower = 0.8;

double two_sided(std::size_t comparisons) {
  return 1 - kError / (2 * static_cast<double>(comparisons));
}

double half_width(double variance, double probability, double degrees) {
  return variance == 0 ? 0 : t_quantile(probability, degrees) * std::sqrt(variance);
}

/// What a comparison's variance would be with so many seeds of this scatter.
struct Predicted {
  double variance = 0, degrees = 1;
};

Predicted with_seeds(double scatter, double by_test, const Comparison& like, std::size_t seeds) {
  const double by_seeds = scatter / static_cast<double>(seeds);
  const double seed_degrees = like.degrees_a_seed * static_cast<double>(seeds - 1);
  return {by_seeds + by_test,
          std::max(1.0, joined_degrees(by_seeds, seed_degrees, by_test, static_cast<double>(like.rows) - 1))};
}

double sees_with(double scatter, double by_test, const Comparison& like, std::size_t seeds) {
  const Predicted then = with_seeds(scatter, by_test, like, seeds);
  if (then.variance == 0) return 0;
  const double z = t_quantile(two_sided(like.comparisons), then.degrees) + t_quantile(kPower, then.degrees);
  return z * std::sqrt(then.variance);
}

/// The seeds' variance, at least what the rows on which they disagree allow.
double scatter_of(const Comparison& comparison) {
  return comparison.by_seeds * static_cast<double>(comparison.seeds);
}

/// Half the width of a 95 % interval of one method's own runs, and their variance's parts as `compare` has them; the
/// mean of two variances has twice the degrees of one.
double own_half_width(const Pair& own, double scatter, double by_test) {
  const auto s = static_cast<double>(own.seeds());
  const double by_seeds = std::max(std::max(own.seed_variance, scatter) / s, own.by_both);
  const double degrees =
      std::max(1.0, joined_degrees(by_seeds, 2 * (s - 1), by_test, static_cast<double>(own.rows) - 1));
  return half_width(by_seeds + by_test, two_sided(1), degrees);
}

}  // namespace

Interval joint_interval(const Comparison& comparison) {
  const double half = half_width(comparison.variance, two_sided(comparison.comparisons), comparison.degrees);
  return {comparison.difference - half, comparison.difference + half};
}

double joint_half_width(const Comparison& comparison, std::size_t seeds) {
  const Predicted then = with_seeds(scatter_of(comparison), comparison.by_test, comparison, seeds);
  return half_width(then.variance, two_sided(comparison.comparisons), then.degrees);
}

bool is_clear(const Comparison& comparison) {
  constexpr double kClearError = 0.001;
  const double probability = 1 - kClearError / (2 * static_cast<double>(comparison.comparisons));
  return std::abs(comparison.difference) > half_width(comparison.variance, probability, comparison.degrees);
}

double adjusted_p(const Comparison& comparison) {
  if (comparison.variance == 0) return comparison.difference == 0 ? 1 : 0;
  const double p = t_two_sided(comparison.difference / std::sqrt(comparison.variance), comparison.degrees);
  return std::min(1.0, static_cast<double>(comparison.comparisons) * p);
}

bool clearly_below(const Comparison& comparison) {
  const double one_sided = 1 - kError / static_cast<double>(comparison.comparisons);
  return comparison.difference < -half_width(comparison.variance, one_sided, comparison.degrees);
}

Word word_of(const Interval& interval, double margin) {
  if (interval.low > 0) return Word::Ahead;
  if (interval.high < 0) return interval.low > -margin ? Word::BehindWithin : Word::Behind;
  if (interval.low > -margin) return interval.high < margin ? Word::AsGood : Word::NotWorse;
  return Word::NotToldApart;
}

double sees(const Comparison& comparison, std::size_t seeds) {
  return sees_with(scatter_of(comparison), comparison.by_test, comparison, seeds);
}
double sees(const Comparison& comparison) {
  return sees(comparison, comparison.seeds);
}

Needs needs(const Comparison& comparison, double margin) {
  Needs needed;
  needed.rows = comparison.rows;
  double scatter = scatter_of(comparison), by_test = comparison.by_test;
  const double z = t_quantile(two_sided(comparison.comparisons), INFINITY) + t_quantile(kPower, INFINITY);
  // Half of what may vary is left to the rows, so that a number of seeds exists that does the rest.
  const double most = (margin / z) * (margin / z) / 2;
  if (by_test > most) {
    const auto n = static_cast<double>(comparison.rows);
    const double rows = std::ceil(n * by_test / most / 100) * 100;
    const double of_rows = comparison.both * static_cast<double>(comparison.seeds);
    scatter = scatter - of_rows + of_rows * n / rows;
    by_test *= n / rows;
    needed.rows = rows < 1e15 ? static_cast<std::size_t>(rows) : 0;
  }
  std::size_t low = 1, high = kMostSeeds;  // `sees` falls with seeds: one seed never suffices
  if (sees_with(scatter, by_test, comparison, high) > margin) return needed;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (sees_with(scatter, by_test, comparison, middle) <= margin ? high : low) = middle;
  }
  needed.seeds = high;
  return needed;
}

Interval score_interval(const Pair& own, double scatter, bool is_share, double worth, const Interval& possible) {
  const auto n = static_cast<double>(own.rows);
  double centre = own.difference, by_rows = own.by_rows;
  if (is_share) {
    centre = (n * own.difference + 2) / (n + 4);
    const double away = own.difference - centre;
    const double squares =
        own.by_rows * n * (n - 1) + n * away * away + 2 * (1 - centre) * (1 - centre) + 2 * centre * centre;
    by_rows = squares / (n + 3) / (n + 4);
  }
  const double imagined = is_share ? 0 : 2 * worth * worth / (n * n);
  const double half = own_half_width(own, scatter, std::max(0.0, by_rows - own.by_both) + imagined);
  return {std::max(possible.low, centre - half), std::min(possible.high, centre + half)};
}

Interval constant_interval(const Pair& over, double scatter, double worth) {
  const auto n = static_cast<double>(over.rows);
  const double imagined = 2 * worth * worth / (n * n);
  const double half = own_half_width(over, scatter, std::max(0.0, over.by_rows - over.by_both) + imagined);
  return {over.difference - half, over.difference + half};
}

}  // namespace peftgrid::orchestrator
