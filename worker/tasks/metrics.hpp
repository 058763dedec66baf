#pragma once

#include <span>
#include <string>

namespace peftgrid::worker {

/// A metric by its name (catalogue: task_kinds) of `labels` and `predictions`, which must be of one length and not
/// empty. Classes are indices; `f1` is that of class 1; macro F1 is over the classes in labels or predictions.
/// Undefined: F1 and Matthews are 0, a correlation is NaN. Throws std::invalid_argument for a name that is none.
double metric(const std::string& name, std::span<const double> labels, std::span<const double> predictions);

}  // namespace peftgrid::worker
