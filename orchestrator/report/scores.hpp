#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// The metrics of docs/grid_file.md over stored labels and predictions: for what trials do not store themselves, the
/// majority class's score. Undefined (a correlation without spread) is nothing.
std::optional<double> score(const std::string& metric, const std::vector<double>& labels,
                            const std::vector<double>& predictions);

/// The most frequent class of these labels, the smallest of several. `labels` is not empty.
double majority_class(const std::vector<double>& labels);
/// What always predicting the most frequent class of the test set scores; nothing for correlations.
std::optional<double> majority_score(const std::string& metric, const std::vector<double>& labels);

/// Whether a trial tells its rows apart no more than a constant would: one class for every row of several; in a
/// regression, values whose standard deviation is below kLeastSpread of the labels', whatever they correlate
/// with.
bool predicts_one_value(const worker::TaskSpec& task, const std::vector<double>& labels,
                        const std::vector<double>& predictions);
inline constexpr double kLeastSpread = 0.005;  // measured: docs/methods.md, "Regression"

}  // namespace peftgrid::orchestrator
