#include "orchestrator/report/pseudo_values.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {
namespace {

using Values = std::vector<double>;

Values accuracy_values(const Values& labels, const Values& predictions) {
  Values values(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) values[i] = labels[i] == predictions[i] ? 1 : 0;
  return values;
}

/// How often each class is labelled and predicted, and each pair of classes met.
class Confusion {
 public:
  Confusion(const Values& labels, const Values& predictions) {
    for (const Values* values : {&labels, &predictions}) {
      for (const double value : *values) index_.emplace(value, 0);
    }
    std::size_t next = 0;
    for (auto& [value, index] : index_) index = next++;
    labelled_.resize(next);
    predicted_.resize(next);
    both_.resize(next);
    for (std::size_t i = 0; i < labels.size(); ++i) change(labels[i], predictions[i], 1);
  }

  /// Adds a row, or with -1 takes it away; the classes stay those of the whole set.
  void change(double label, double prediction, double by) {
    labelled_[index_.at(label)] += by;
    predicted_[index_.at(prediction)] += by;
    if (label == prediction) both_[index_.at(label)] += by;
    rows_ += by;
  }

  double score(const std::string& metric) const {
    if (metric == "f1") return index_.contains(1) ? f1(index_.at(1)) : 0;
    if (metric == "macro_f1") return macro_f1();
    if (metric == "weighted_f1") return weighted_f1();
    if (metric == "matthews") return matthews();
    throw std::invalid_argument("no metric is called " + metric);
  }

 private:
  double f1(std::size_t c) const {
    const double either = labelled_[c] + predicted_[c];
    return either == 0 ? 0 : 2 * both_[c] / either;
  }
  double macro_f1() const {
    double sum = 0;
    for (std::size_t c = 0; c < both_.size(); ++c) sum += f1(c);
    return sum / static_cast<double>(both_.size());
  }
  double weighted_f1() const {
    double sum = 0;
    for (std::size_t c = 0; c < both_.size(); ++c) sum += labelled_[c] * f1(c);
    return sum / rows_;
  }
  double matthews() const {
    double both = 0, cross = 0, labelled = 0, predicted = 0;
    for (std::size_t c = 0; c < both_.size(); ++c) {
      both += both_[c];
      cross += labelled_[c] * predicted_[c];
      labelled += labelled_[c] * labelled_[c];
      predicted += predicted_[c] * predicted_[c];
    }
    const double spread = (rows_ * rows_ - predicted) * (rows_ * rows_ - labelled);
    return spread == 0 ? 0 : (both * rows_ - cross) / std::sqrt(spread);
  }

  std::map<double, std::size_t> index_;
  Values labelled_, predicted_, both_;
  double rows_ = 0;
};

/// By leaving out: rows with the same label and prediction share one value.
Values confusion_values(const std::string& metric, const Values& labels, const Values& predictions) {
  Confusion confusion(labels, predictions);
  const double n = static_cast<double>(labels.size()), whole = confusion.score(metric);
  std::map<std::pair<double, double>, double> known;
  Values values(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [at, fresh] = known.try_emplace({labels[i], predictions[i]}, 0);
    if (fresh) {
      confusion.change(labels[i], predictions[i], -1);
      at->second = n * whole - (n - 1) * confusion.score(metric);
      confusion.change(labels[i], predictions[i], 1);
    }
    values[i] = at->second;
  }
  return values;
}

double mean_of(const Values& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// By leaving out, from sums about the means; a correlation that is undefined without a row counts as none.
Values pearson_values(const Values& labels, const Values& predictions) {
  const auto n = static_cast<double>(labels.size());
  const double mean_a = mean_of(labels), mean_b = mean_of(predictions);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double a = labels[i] - mean_a, b = predictions[i] - mean_b;
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  const auto correlation = [](double xy, double xx, double yy) {
    return xx <= 0 || yy <= 0 ? 0 : std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
  };
  const double whole = correlation(ab, aa, bb), without = n / (n - 1);
  Values values(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double a = labels[i] - mean_a, b = predictions[i] - mean_b;
    // A row that leaves takes n / (n - 1) times its products with it: the means move, too.
    values[i] = n * whole - (n - 1) * correlation(ab - without * a * b, aa - without * a * a, bb - without * b * b);
  }
  return values;
}

struct Ranked {
  Values ranks;                    // in (0, 1), equal values share the mean of theirs
  std::vector<std::size_t> order;  // of rows by value
};

Ranked mid_ranks(const Values& values) {
  Ranked ranked{Values(values.size()), std::vector<std::size_t>(values.size())};
  std::iota(ranked.order.begin(), ranked.order.end(), std::size_t{0});
  std::ranges::stable_sort(ranked.order, {}, [&](std::size_t i) { return values[i]; });
  const auto n = static_cast<double>(values.size());
  for (std::size_t begin = 0, end = 0; begin < values.size(); begin = end) {
    while (end < values.size() && values[ranked.order[end]] == values[ranked.order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i)
      ranked.ranks[ranked.order[i]] = static_cast<double>(begin + end) / (2 * n);
  }
  return ranked;
}

/// For each row: the mean over all rows of `other`, counted where `by` is larger, half where it is equal.
Values mean_above(const Ranked& by, const Values& other) {
  const auto n = static_cast<double>(other.size());
  Values means(other.size());
  double above = 0;
  for (std::size_t end = other.size(), begin = end; end > 0; end = begin) {
    double equal = 0;
    while (begin > 0 && by.ranks[by.order[begin - 1]] == by.ranks[by.order[end - 1]]) equal += other[by.order[--begin]];
    for (std::size_t i = begin; i < end; ++i) means[by.order[i]] = (above + equal / 2) / n;
    above += equal;
  }
  return means;
}

/// Influence of each row on the mean of u v, centred.
Values product_influence(const Ranked& u, const Ranked& v) {
  const Values above_u = mean_above(u, v.ranks), above_v = mean_above(v, u.ranks);
  Values influence(u.ranks.size());
  for (std::size_t i = 0; i < influence.size(); ++i) influence[i] = u.ranks[i] * v.ranks[i] + above_u[i] + above_v[i];
  const double mean = mean_of(influence);
  for (double& value : influence) value -= mean;
  return influence;
}

double variance(const Values& values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size());
}

Values spearman_values(const Values& labels, const Values& predictions) {
  const Ranked u = mid_ranks(labels), v = mid_ranks(predictions);
  const double a = variance(u.ranks), b = variance(v.ranks);
  if (a == 0 || b == 0) return Values(labels.size(), 0);
  const double whole = worker::metric("spearman", labels, predictions);
  const Values uv = product_influence(u, v), uu = product_influence(u, u), vv = product_influence(v, v);
  Values values(labels.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = whole + uv[i] / std::sqrt(a * b) - whole / 2 * (uu[i] / a + vv[i] / b);
  }
  return values;
}

/// Accuracy on the rows that count: of a row that does not, the whole.
Values sentiment_values(const std::string& metric, const Values& labels, const Values& predictions) {
  const double whole = worker::metric(metric, labels, predictions);
  const auto n = static_cast<double>(labels.size());
  Values values(labels.size(), whole);
  std::vector<std::size_t> counted;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (metric != "accuracy_2_nonzero" || labels[i] != 0) counted.push_back(i);
  }
  const auto m = static_cast<double>(counted.size());
  for (const std::size_t i : counted) {
    const double right = worker::metric(metric, std::span(&labels[i], 1), std::span(&predictions[i], 1));
    if (m > 1) values[i] = n * whole - (n - 1) * (m * whole - right) / (m - 1);
  }
  return values;
}

bool is_sentiment_accuracy(const std::string& metric) {
  return metric == "accuracy_2" || metric == "accuracy_2_nonzero" || metric == "accuracy_7";
}

bool is_error(const std::string& metric) {
  return metric == "mse" || metric == "mae";
}

/// Of the mean negative log-probability of a token, by leaving out: rows have unlike numbers of tokens.
Values nats_values(const Values& tokens, const Values& nats) {
  const auto n = static_cast<double>(tokens.size());
  const double all_tokens = std::accumulate(tokens.begin(), tokens.end(), 0.0);
  const double all_nats = std::accumulate(nats.begin(), nats.end(), 0.0);
  Values values(tokens.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = n * all_nats / all_tokens - (n - 1) * (all_nats - nats[i]) / (all_tokens - tokens[i]);
  return values;
}

/// Each row's own.
Values errors(const std::string& metric, const Values& labels, const Values& predictions) {
  Values values(labels.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = worker::metric(metric, std::span(&labels[i], 1), std::span(&predictions[i], 1));
  return values;
}

}  // namespace

std::vector<double> pseudo_values(const std::string& metric, const Values& labels, const Values& predictions) {
  if (metric == "accuracy") return accuracy_values(labels, predictions);
  if (metric == "pearson") return pearson_values(labels, predictions);
  if (metric == "spearman") return spearman_values(labels, predictions);
  if (is_sentiment_accuracy(metric)) return sentiment_values(metric, labels, predictions);
  if (is_error(metric)) return errors(metric, labels, predictions);
  if (metric == "perplexity") return nats_values(labels, predictions);
  return confusion_values(metric, labels, predictions);
}

double row_worth(const std::string& metric, const Values& labels) {
  if (is_error(metric) || metric == "perplexity") return 0;
  if (metric == "accuracy_2_nonzero") {
    const auto counted = std::ranges::count_if(labels, [](double label) { return label != 0; });
    return static_cast<double>(labels.size()) / static_cast<double>(std::max<std::ptrdiff_t>(1, counted));
  }
  if (metric == "accuracy" || metric == "pearson" || metric == "spearman" || is_sentiment_accuracy(metric)) return 1;
  std::map<double, std::size_t> counts;
  for (const double label : labels) ++counts[label];
  if (counts.size() < 2) return 1;
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  const double rarest = std::min_element(counts.begin(), counts.end(), fewer)->first;
  counts.erase(rarest);
  const double other = std::max_element(counts.begin(), counts.end(), fewer)->first;
  Values predictions = labels;
  *std::ranges::find(predictions, rarest) = other;
  return static_cast<double>(labels.size()) * (1 - worker::metric(metric, labels, predictions));
}

}  // namespace peftgrid::orchestrator
