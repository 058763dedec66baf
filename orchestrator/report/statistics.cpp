#include "orchestrator/report/statistics.hpp"

#include <Random123/philox.h>

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace peftgrid::orchestrator {
namespace {

constexpr std::size_t kResamplings = 200;
// With two pairs the t interval is 12.7 standard errors wide and tells nothing apart; Welch's has twice the freedom.
constexpr std::size_t kFewestPairs = 3;
constexpr std::uint32_t kBootstrapKey = 0x9e3779b9U;

/// The rows of each resampling, one resampling after the other; they depend on the number of rows alone.
std::vector<std::uint32_t> draw_resamplings(std::size_t rows) {
  r123::Philox4x32 philox;
  std::vector<std::uint32_t> drawn;
  drawn.reserve(kResamplings * rows);
  for (std::uint32_t round = 0; round < kResamplings; ++round) {
    for (std::size_t i = 0; i < rows; ++i) {
      const auto random = philox({{static_cast<std::uint32_t>(i), round, 0, 0}}, {{kBootstrapKey, 0}});
      // The product's upper half spreads 32 bits over the rows without the bias of a remainder.
      drawn.push_back(static_cast<std::uint32_t>((std::uint64_t{random[0]} * rows) >> 32U));
    }
  }
  return drawn;
}

}  // namespace

double reach(double error, double degrees) {
  return error == 0 ? 0 : error * boost::math::quantile(boost::math::students_t(degrees), 0.975);
}

std::vector<double> values_of(const BySeed& by_seed) {
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed) values.push_back(value);
  return values;
}

Summary summarize(const std::vector<double>& values) {
  Summary summary;
  summary.n = values.size();
  if (values.empty()) return summary;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) summary.mean += value;
  summary.mean /= n;
  if (values.size() < 2) return summary;
  double squares = 0;
  for (const double value : values) squares += (value - summary.mean) * (value - summary.mean);
  summary.sd = std::sqrt(squares / (n - 1));
  return summary;
}

std::optional<Interval> mean_interval(const std::vector<double>& values) {
  const Summary summary = summarize(values);
  if (!summary.sd) return std::nullopt;
  const auto n = static_cast<double>(summary.n);
  const double half = reach(*summary.sd / std::sqrt(n), n - 1);
  return Interval{summary.mean - half, summary.mean + half};
}

std::optional<Estimate> paired_difference(const BySeed& method, const BySeed& baseline) {
  std::vector<double> differences;
  for (const auto& [seed, value] : method) {
    const auto other = baseline.find(seed);
    if (other != baseline.end()) differences.push_back(value - other->second);
  }
  if (differences.empty()) return std::nullopt;
  return Estimate{summarize(differences).mean, mean_interval(differences), differences.size()};
}

Estimate welch_difference(const BySeed& method, const BySeed& baseline) {
  const Summary a = summarize(values_of(method)), b = summarize(values_of(baseline));
  Estimate estimate{a.mean - b.mean, std::nullopt, 0};
  if (!a.sd || !b.sd) return estimate;
  const auto na = static_cast<double>(a.n), nb = static_cast<double>(b.n);
  const double va = *a.sd * *a.sd / na, vb = *b.sd * *b.sd / nb;
  double half = 0;
  if (va + vb > 0) {
    const double degrees = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
    half = reach(std::sqrt(va + vb), degrees);
  }
  estimate.interval = Interval{estimate.difference - half, estimate.difference + half};
  return estimate;
}

Estimate best_difference(const BySeed& method, const BySeed& baseline) {
  const auto paired = paired_difference(method, baseline);
  if (paired && paired->n >= kFewestPairs) return *paired;
  return welch_difference(method, baseline);
}

double binomial_error(double accuracy, std::size_t rows) {
  return rows == 0 ? 0 : std::sqrt(accuracy * (1 - accuracy) / static_cast<double>(rows));
}

std::optional<double> bootstrap_error(const std::vector<double>& labels, const std::vector<double>& predictions,
                                      const Metric& metric) {
  const std::size_t rows = labels.size();
  if (rows == 0 || predictions.size() != rows) return std::nullopt;
  // The trials of a task share their test set's number of rows: it is drawn once for all of them.
  thread_local std::vector<std::uint32_t> drawn;
  if (drawn.size() != kResamplings * rows) drawn = draw_resamplings(rows);
  std::vector<double> scores, some_labels(rows), some_predictions(rows);
  for (std::size_t round = 0; round < kResamplings; ++round) {
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t row = drawn[round * rows + i];
      some_labels[i] = labels[row];
      some_predictions[i] = predictions[row];
    }
    if (const auto score = metric(some_labels, some_predictions)) scores.push_back(*score);
  }
  return summarize(scores).sd;
}

}  // namespace peftgrid::orchestrator
