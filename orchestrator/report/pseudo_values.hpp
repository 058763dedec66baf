#pragma once

#include <string>
#include <vector>

namespace peftgrid::orchestrator {

/// What each test row contributes to a metric: its jackknife pseudo-value n s - (n - 1) s', where s is the score of all
/// n rows and s' that of the others (Tukey 1958; for comparing models on shared rows Dorfman, Berbaum and Metz 1992).
/// For accuracy that is 1 where the row is right and 0 where it is not; for mse and mae the row's error; of a
/// perplexity it is that of its logarithm. F1 and Matthews follow from the confusion matrix; macro F1 keeps the classes
/// of the whole set. Spearman's is the influence function on mid-ranks, which agrees with leaving rows out to 5 / n.
/// `labels` and `predictions` are of one length, at least 2, without NaN. Throws std::invalid_argument for a name that
/// is no metric.
std::vector<double> pseudo_values(const std::string& metric, const std::vector<double>& labels,
                                  const std::vector<double>& predictions);

/// What one test row is worth at the most, as a pseudo-value: n times what a perfect score loses when one row of the
/// rarest class is given to the most frequent other one. 1 for accuracy and for correlations, 0 for errors, which know
/// no most.
double row_worth(const std::string& metric, const std::vector<double>& labels);

}  // namespace peftgrid::orchestrator
