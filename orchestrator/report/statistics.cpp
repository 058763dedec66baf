#include "orchestrator/report/statistics.hpp"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace peftgrid::orchestrator {

double t_quantile(double probability, double degrees) {
  if (std::isinf(degrees)) return boost::math::quantile(boost::math::normal(), probability);
  return boost::math::quantile(boost::math::students_t(degrees), probability);
}

double t_two_sided(double t, double degrees) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::abs(t)));
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

namespace {

std::vector<double> logarithms(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return values;
}

}  // namespace

Summary summarize_logs(const std::vector<double>& values) {
  Summary summary = summarize(logarithms(values));
  summary.mean = values.empty() ? 0 : std::exp(summary.mean);
  if (summary.sd) *summary.sd *= summary.mean;
  return summary;
}

std::optional<Interval> mean_interval(const std::vector<double>& values) {
  const Summary summary = summarize(values);
  if (!summary.sd) return std::nullopt;
  const auto n = static_cast<double>(summary.n);
  const double half = t_quantile(0.975, n - 1) * *summary.sd / std::sqrt(n);
  return Interval{summary.mean - half, summary.mean + half};
}

std::optional<Interval> mean_interval_of_logs(const std::vector<double>& values) {
  const auto logs = mean_interval(logarithms(values));
  if (!logs) return std::nullopt;
  return Interval{std::exp(logs->low), std::exp(logs->high)};
}

Interval share_interval(std::size_t some, std::size_t all) {
  const auto n = static_cast<double>(all);
  const double share = static_cast<double>(some) / n, z = t_quantile(0.975, INFINITY), zz = z * z / n;
  const double centre = (share + zz / 2) / (1 + zz);
  const double half = z / (1 + zz) * std::sqrt(share * (1 - share) / n + zz / (4 * n));
  return {some == 0 ? 0 : centre - half, some == all ? 1 : centre + half};
}

}  // namespace peftgrid::orchestrator
