#include "worker/tasks/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace peftgrid::worker {

namespace {

using Values = Metric::Values;

double accuracy(Values labels, Values predictions) {
  double right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += labels[i] == predictions[i];
  return right / static_cast<double>(labels.size());
}

/// What F1 and Matthews need of one class.
struct Counts {
  double both = 0, labelled = 0, predicted = 0;
  double f1() const { return labelled + predicted == 0 ? 0 : 2 * both / (labelled + predicted); }
};

/// By class. Those with a small index, which is nearly all there are, are counted without a search in the map.
std::map<double, Counts> count(Values labels, Values predictions) {
  constexpr std::size_t kSmall = 64;
  std::array<Counts, kSmall> small;
  std::map<double, Counts> classes;
  const auto of = [&](double value) -> Counts& {
    const auto index = value >= 0 && value < double{kSmall} ? static_cast<std::size_t>(value) : kSmall;
    return index < kSmall && static_cast<double>(index) == value ? small[index] : classes[value];
  };
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Counts& labelled = of(labels[i]);
    ++labelled.labelled;
    labelled.both += labels[i] == predictions[i];
    ++of(predictions[i]).predicted;
  }
  for (std::size_t c = 0; c < kSmall; ++c) {
    if (small[c].labelled + small[c].predicted > 0) classes[static_cast<double>(c)] = small[c];
  }
  return classes;
}

double macro_f1(Values labels, Values predictions) {
  const auto classes = count(labels, predictions);
  double sum = 0;
  for (const auto& [value, counts] : classes) sum += counts.f1();
  return sum / static_cast<double>(classes.size());
}

double weighted_f1(Values labels, Values predictions) {
  double sum = 0;
  for (const auto& [value, counts] : count(labels, predictions)) sum += counts.labelled * counts.f1();
  return sum / static_cast<double>(labels.size());
}

/// Gorodkin's form for any number of classes.
double matthews(Values labels, Values predictions) {
  const double n = static_cast<double>(labels.size());
  double both = 0, cross = 0, labelled = 0, predicted = 0;
  for (const auto& [value, counts] : count(labels, predictions)) {
    both += counts.both;
    cross += counts.labelled * counts.predicted;
    labelled += counts.labelled * counts.labelled;
    predicted += counts.predicted * counts.predicted;
  }
  const double spread = (n * n - predicted) * (n * n - labelled);
  return spread == 0 ? 0 : (both * n - cross) / std::sqrt(spread);
}

double pearson(Values a, Values b) {
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  const auto constant = [](Values v) { return std::ranges::all_of(v, [&](double x) { return x == v[0]; }); };
  if (constant(a) || constant(b) || aa == 0 || bb == 0) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

/// Ranks from 1; equal values share the mean of theirs.
std::vector<double> ranks(Values values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
    begin = end;
  }
  return ranks;
}

bool has_nan(Values values) {
  return std::ranges::any_of(values, [](double x) { return std::isnan(x); });
}

double spearman(Values a, Values b) {
  if (has_nan(a) || has_nan(b)) return std::numeric_limits<double>::quiet_NaN();
  return pearson(ranks(a), ranks(b));
}

/// The share of rows of which `agree` holds, among those whose label counts; NaN where none does or a value is NaN.
template <typename Counts, typename Agree>
double share(Values labels, Values predictions, Counts counts, Agree agree) {
  if (has_nan(labels) || has_nan(predictions)) return std::numeric_limits<double>::quiet_NaN();
  double right = 0, all = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!counts(labels[i])) continue;
    ++all;
    right += agree(labels[i], predictions[i]) ? 1 : 0;
  }
  return all == 0 ? std::numeric_limits<double>::quiet_NaN() : right / all;
}

double seven_classes(double score) {
  return std::nearbyint(std::clamp(score, -3.0, 3.0));
}

bool every(double /*label*/) {
  return true;
}

double f1(Values labels, Values predictions) {
  return count(labels, predictions)[1].f1();
}

double accuracy_2(Values labels, Values predictions) {
  return share(labels, predictions, every, [](double y, double p) { return (y < 0) == (p < 0); });
}

double accuracy_2_nonzero(Values labels, Values predictions) {
  return share(
      labels, predictions, [](double y) { return y != 0; }, [](double y, double p) { return (y > 0) == (p > 0); });
}

double accuracy_7(Values labels, Values predictions) {
  return share(labels, predictions, every, [](double y, double p) { return seven_classes(y) == seven_classes(p); });
}

double mse(Values labels, Values predictions) {
  const auto square = [](double y, double p) { return (y - p) * (y - p); };
  return std::transform_reduce(labels.begin(), labels.end(), predictions.begin(), 0.0, std::plus<>(), square) /
         static_cast<double>(labels.size());
}

double mae(Values labels, Values predictions) {
  const auto distance = [](double y, double p) { return std::abs(y - p); };
  return std::transform_reduce(labels.begin(), labels.end(), predictions.begin(), 0.0, std::plus<>(), distance) /
         static_cast<double>(labels.size());
}

/// `labels`: numbers of tokens; `predictions`: their negative log-probabilities together, in nats.
double perplexity(Values labels, Values predictions) {
  const double tokens = std::accumulate(labels.begin(), labels.end(), 0.0);
  return std::exp(std::accumulate(predictions.begin(), predictions.end(), 0.0) / tokens);
}

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

constexpr std::array kMetrics = {
    Metric{.name = "accuracy", .score = accuracy, .is_share = true},
    Metric{.name = "f1", .score = f1},
    Metric{.name = "macro_f1", .score = macro_f1},
    Metric{.name = "weighted_f1", .score = weighted_f1},
    Metric{.name = "matthews", .score = matthews, .lowest = -1},
    Metric{.name = "pearson", .score = pearson, .lowest = -1},
    Metric{.name = "spearman", .score = spearman, .lowest = -1},
    Metric{.name = "accuracy_2", .score = accuracy_2, .is_share = true},
    Metric{.name = "accuracy_2_nonzero", .score = accuracy_2_nonzero},
    Metric{.name = "accuracy_7", .score = accuracy_7, .is_share = true},
    Metric{.name = "mse", .score = mse, .highest = kUnbounded, .lower_is_better = true},
    Metric{.name = "mae", .score = mae, .highest = kUnbounded, .lower_is_better = true},
    Metric{.name = "perplexity",
           .score = perplexity,
           .lowest = 1,
           .highest = kUnbounded,
           .lower_is_better = true,
           .in_logs = true},
};

}  // namespace

const Metric* find_metric(std::string_view name) {
  const auto* const found = std::ranges::find(kMetrics, name, &Metric::name);
  return found == kMetrics.end() ? nullptr : found;
}

double metric(const std::string& name, Values labels, Values predictions) {
  if (labels.size() != predictions.size() || labels.empty()) {
    throw std::invalid_argument("metric " + name + ": labels and predictions must be of one length, and not empty");
  }
  const Metric* known = find_metric(name);
  if (known == nullptr) throw std::invalid_argument("no metric is called " + name);
  return known->score(labels, predictions);
}

}  // namespace peftgrid::worker
