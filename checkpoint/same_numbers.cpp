#include "checkpoint/same_numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace peftgrid::checkpoint {
namespace {

class Comparison {
 public:
  explicit Comparison(double tolerance) : tolerance_(tolerance) {}

  void text(const std::string& field, const std::string& a, const std::string& b) {
    if (a != b) found_.push_back({field, fmt::format("\"{}\" and \"{}\"", a, b)});
  }
  void count(const std::string& field, std::int64_t a, std::int64_t b) {
    if (a != b) found_.push_back({field, fmt::format("{} and {}", a, b)});
  }
  void number(const std::string& field, double a, double b) {
    const double by = apart(a, b);
    if (by > tolerance_) found_.push_back({field, fmt::format("{} and {}, by {:.3g}", a, b, by)});
  }
  void rows(const std::string& field, const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size())
      return count(field, static_cast<std::int64_t>(a.size()), static_cast<std::int64_t>(b.size()));
    std::size_t unlike = 0;
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double by = apart(a[i], b[i]);
      most = std::max(most, by);
      unlike += by > tolerance_ ? 1 : 0;
    }
    if (static_cast<double>(unlike) > tolerance_ * static_cast<double>(a.size())) {
      found_.push_back({field, fmt::format("{} of {} rows, by up to {:.3g}", unlike, a.size(), most)});
    }
  }
  void tensor(const KeptTensor& a, const KeptTensor& b) {
    if (a.shape != b.shape)
      return text("tensor " + a.name, fmt::format("{}", fmt::join(a.shape, "x")),
                  fmt::format("{}", fmt::join(b.shape, "x")));
    if (a.sha256 == b.sha256) return;
    if (a.values.empty() || a.values.size() != b.values.size()) {
      if (tolerance_ == 0) found_.push_back({"tensor " + a.name, "unlike hashes; by how much is not stored"});
      return;
    }
    double most = 0;
    for (std::size_t i = 0; i < a.values.size(); ++i)
      most = std::max(most, apart(double{a.values[i]}, double{b.values[i]}));
    if (most > tolerance_ || tolerance_ == 0)
      found_.push_back({"tensor " + a.name, fmt::format("by up to {:.3g}", most)});
  }
  std::vector<Difference> take() { return std::move(found_); }

 private:
  static double apart(double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
    const double by = std::abs(a - b);
    return std::isnan(by) ? std::numeric_limits<double>::infinity() : by;
  }

  double tolerance_;
  std::vector<Difference> found_;
};

void compare_tests(Comparison& found, const TrialRecord& a, const TrialRecord& b) {
  found.count("number of test sets", static_cast<std::int64_t>(a.tests.size()),
              static_cast<std::int64_t>(b.tests.size()));
  for (std::size_t i = 0; i < std::min(a.tests.size(), b.tests.size()); ++i) {
    const TestResult &one = a.tests[i], &other = b.tests[i];
    found.text("name of a test set", one.name, other.name);
    found.count(one.name + " number of metrics", static_cast<std::int64_t>(one.metrics.size()),
                static_cast<std::int64_t>(other.metrics.size()));
    for (std::size_t m = 0; m < std::min(one.metrics.size(), other.metrics.size()); ++m) {
      found.text(one.name + " metric", one.metrics[m].first, other.metrics[m].first);
      found.number(one.name + " " + one.metrics[m].first, one.metrics[m].second, other.metrics[m].second);
    }
    found.rows(one.name + " labels", one.labels, other.labels);
    found.rows(one.name + " predictions", one.predictions, other.predictions);
  }
}

void compare_curves(Comparison& found, const TrialRecord& a, const TrialRecord& b) {
  found.count("points of the curve", static_cast<std::int64_t>(a.curve.size()),
              static_cast<std::int64_t>(b.curve.size()));
  for (std::size_t i = 0; i < std::min(a.curve.size(), b.curve.size()); ++i) {
    const CurvePoint &one = a.curve[i], &other = b.curve[i];
    const std::string at = fmt::format("curve at step {}: ", one.step);
    found.count(at + "step", one.step, other.step);
    found.number(at + "epoch", one.epoch, other.epoch);
    found.number(at + "training loss", one.train_loss, other.train_loss);
    found.number(at + "selection score", one.selection_score, other.selection_score);
  }
}

using Tensors = std::vector<const KeptTensor*>;

Tensors tensors_of(const TrialRecord& record, bool logits) {
  Tensors tensors;
  for (const KeptTensor& tensor : record.tensors) {
    if (is_logits(tensor) == logits) tensors.push_back(&tensor);
  }
  return tensors;
}

void compare_all(Comparison& found, const Tensors& a, const Tensors& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    found.text("name of a tensor", a[i]->name, b[i]->name);
    found.tensor(*a[i], *b[i]);
  }
}

/// Logits are kept where somebody asks for them: one record alone may have them.
void compare_tensors(Comparison& found, const TrialRecord& a, const TrialRecord& b) {
  const Tensors one = tensors_of(a, false), other = tensors_of(b, false);
  found.count("number of tensors", static_cast<std::int64_t>(one.size()), static_cast<std::int64_t>(other.size()));
  compare_all(found, one, other);
  compare_all(found, tensors_of(a, true), tensors_of(b, true));
}

}  // namespace

std::vector<Difference> differences(const TrialRecord& first, const TrialRecord& second, double tolerance) {
  Comparison found(tolerance);
  found.text("state", first.state, second.state);
  compare_tests(found, first, second);
  compare_curves(found, first, second);
  found.count("best step", first.best_step, second.best_step);
  found.count("steps", first.steps, second.steps);
  found.count("trained parameters", first.trained_parameters, second.trained_parameters);
  found.count("head parameters", first.head_parameters, second.head_parameters);
  found.count("training tokens", first.training_tokens, second.training_tokens);
  found.count("truncated rows", first.truncated_rows, second.truncated_rows);
  compare_tensors(found, first, second);
  return found.take();
}

}  // namespace peftgrid::checkpoint
