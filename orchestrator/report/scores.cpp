#include "orchestrator/report/scores.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "orchestrator/report/statistics.hpp"
#include "worker/catalogue.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {
namespace {

using Values = std::vector<double>;

double deviation(const Values& values) {
  return summarize(values).sd.value_or(0);
}

}  // namespace

std::optional<double> score(const std::string& metric, const Values& labels, const Values& predictions) {
  const auto undefined = [](double value) { return std::isnan(value); };
  if (labels.empty() || labels.size() != predictions.size() || std::any_of(labels.begin(), labels.end(), undefined) ||
      std::any_of(predictions.begin(), predictions.end(), undefined)) {
    return std::nullopt;  // NaN has no order: sorting it, or counting it as a class, would mean nothing
  }
  const worker::Metric* known = worker::find_metric(metric);
  if (known == nullptr) return std::nullopt;  // a trial file of another version may name it
  const double value = known->score(labels, predictions);
  return undefined(value) ? std::nullopt : std::optional(value);
}

double majority_class(const Values& labels) {
  std::map<double, std::size_t> counts;
  for (const double label : labels) ++counts[label];
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(counts.begin(), counts.end(), fewer)->first;
}

std::optional<double> majority_score(const std::string& metric, const Values& labels) {
  const auto undefined = [](double label) { return std::isnan(label); };
  if (labels.empty() || metric == "pearson" || metric == "spearman" || std::ranges::any_of(labels, undefined)) {
    return std::nullopt;
  }
  return score(metric, labels, Values(labels.size(), majority_class(labels)));
}

bool predicts_one_value(const worker::TaskSpec& task, const Values& labels, const Values& predictions) {
  using Labels = worker::KindInfo::Labels;
  if (predictions.size() < 2 || worker::label_form(task) == Labels::Tokens) return false;
  if (worker::label_form(task) == Labels::Values) return deviation(predictions) < kLeastSpread * deviation(labels);
  return std::all_of(predictions.begin(), predictions.end(),
                     [&](double value) { return value == predictions.front(); });
}

}  // namespace peftgrid::orchestrator
