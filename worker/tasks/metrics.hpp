#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peftgrid::worker {

/// A score of predictions against labels, and how it is read.
struct Metric {
  using Values = std::span<const double>;
  std::string_view name;
  /// Of `labels` and `predictions` of one length, not empty; NaN where it is undefined.
  double (*score)(Values labels, Values predictions) = nullptr;
  double lowest = 0, highest = 1;  // values that it can take
  bool is_share = false;           // of all rows, each of which is right or wrong
  bool lower_is_better = false;
  bool in_logs = false;  // differences are those of its logarithm

  /// Shown times 100, in points. An error is not: it has the label's units.
  bool in_points() const { return !lower_is_better; }
  bool better(double one, double other) const { return lower_is_better ? one < other : one > other; }
};

/// Null where none is called so. Classes are indices; `f1` is that of class 1; macro F1 is over the classes in labels
/// or predictions. Of sentiment scores, -3 to 3 around 0 (MOSI): accuracy_2 is below 0 against not, accuracy_2_nonzero
/// above 0 against below where the label is not 0, accuracy_7 of both rounded (halves to even) and cut to -3 to 3.
/// mse and mae are mean squared and absolute errors. perplexity is e to the mean negative log-probability of a token:
/// labels count a row's tokens, predictions are what they come to together, in nats. Undefined: F1 and Matthews are 0,
/// a correlation and accuracy_2_nonzero without a row are NaN.
const Metric* find_metric(std::string_view name);

/// The score of that name. Throws std::invalid_argument for a name that is none, and for unlike lengths.
double metric(const std::string& name, Metric::Values labels, Metric::Values predictions);

}  // namespace peftgrid::worker
