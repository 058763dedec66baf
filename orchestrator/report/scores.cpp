#include "orchestrator/report/scores.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace peftgrid::orchestrator {
namespace {

using Values = std::vector<double>;

struct Counts {
  double hits = 0, labelled = 0, predicted = 0;
  double f1() const { return labelled + predicted > 0 ? 2 * hits / (labelled + predicted) : 0; }
};

std::map<double, Counts> count_classes(const Values& labels, const Values& predictions) {
  std::map<double, Counts> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    classes[labels[i]].labelled += 1;
    classes[predictions[i]].predicted += 1;
    if (labels[i] == predictions[i]) classes[labels[i]].hits += 1;
  }
  return classes;
}

double accuracy(const Values& labels, const Values& predictions) {
  double right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += labels[i] == predictions[i] ? 1 : 0;
  return right / static_cast<double>(labels.size());
}

double mean_f1(const Values& labels, const Values& predictions, bool weighted) {
  double sum = 0, weights = 0;
  for (const auto& [name, counts] : count_classes(labels, predictions)) {
    const double weight = weighted ? counts.labelled : 1;
    sum += weight * counts.f1();
    weights += weight;
  }
  return sum / weights;
}

/// Gorodkin's generalization of Matthews' coefficient, which for two classes is the coefficient itself.
double matthews(const Values& labels, const Values& predictions) {
  const auto n = static_cast<double>(labels.size());
  double hits = 0, both = 0, labelled = 0, predicted = 0;
  for (const auto& [name, counts] : count_classes(labels, predictions)) {
    hits += counts.hits;
    both += counts.labelled * counts.predicted;
    labelled += counts.labelled * counts.labelled;
    predicted += counts.predicted * counts.predicted;
  }
  const double spread = (n * n - predicted) * (n * n - labelled);
  return spread > 0 ? (hits * n - both) / std::sqrt(spread) : 0;
}

std::optional<double> pearson(const Values& a, const Values& b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  if (!(aa > 0 && bb > 0)) return std::nullopt;
  return ab / std::sqrt(aa * bb);
}

/// Ranks from 1; equal values share the mean of their ranks.
Values ranks(const Values& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Values ranked(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i) ranked[order[i]] = static_cast<double>(first + last) / 2 + 1;
    first = last + 1;
  }
  return ranked;
}

}  // namespace

std::optional<double> score(const std::string& metric, const Values& labels, const Values& predictions) {
  const auto undefined = [](double value) { return std::isnan(value); };
  if (labels.empty() || labels.size() != predictions.size() || std::any_of(labels.begin(), labels.end(), undefined) ||
      std::any_of(predictions.begin(), predictions.end(), undefined)) {
    return std::nullopt;  // NaN has no order: sorting it, or counting it as a class, would mean nothing
  }
  if (metric == "accuracy") return accuracy(labels, predictions);
  if (metric == "f1") {
    auto classes = count_classes(labels, predictions);
    return classes[1.0].f1();
  }
  if (metric == "macro_f1" || metric == "weighted_f1") return mean_f1(labels, predictions, metric == "weighted_f1");
  if (metric == "matthews") return matthews(labels, predictions);
  if (metric == "pearson") return pearson(labels, predictions);
  if (metric == "spearman") return pearson(ranks(labels), ranks(predictions));
  return std::nullopt;
}

std::optional<double> majority_score(const std::string& metric, const Values& labels) {
  if (labels.empty() || metric == "pearson" || metric == "spearman") return std::nullopt;
  std::map<double, std::size_t> counts;
  for (const double label : labels) {
    if (std::isnan(label)) return std::nullopt;
    ++counts[label];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return score(metric, labels, Values(labels.size(), most->first));
}

bool predicts_one_value(const Values& predictions) {
  return predictions.size() > 1 && std::all_of(predictions.begin(), predictions.end(),
                                               [&](double value) { return value == predictions.front(); });
}

}  // namespace peftgrid::orchestrator
