#pragma once

#include <optional>
#include <string>
#include <vector>

namespace peftgrid::orchestrator {

/// The metrics of product.md over stored labels and predictions: for what trials do not store themselves, the majority
/// class's score and resampled scores. Undefined (a correlation without spread) is nothing.
std::optional<double> score(const std::string& metric, const std::vector<double>& labels,
                            const std::vector<double>& predictions);

/// What always predicting the most frequent class of the test set scores; nothing for correlations.
std::optional<double> majority_score(const std::string& metric, const std::vector<double>& labels);

/// Whether every row got the same prediction, of more than one row.
bool predicts_one_value(const std::vector<double>& predictions);

}  // namespace peftgrid::orchestrator
