#pragma once

#include <span>
#include <string>

namespace peftgrid::worker {

/// A metric by its name (catalogue: task_kinds) of `labels` and `predictions`, which must be of one length and not
/// empty. Classes are indices; `f1` is that of class 1; macro F1 is over the classes in labels or predictions.
/// Those of sentiment scores, -3 to 3 around 0 (MOSI): accuracy_2 is below 0 against not, accuracy_2_nonzero above 0
/// against below where the label is not 0, accuracy_7 of both rounded (halves to even) and cut to -3 to 3.
/// Undefined: F1 and Matthews are 0, a correlation and accuracy_2_nonzero without a row are NaN. Throws
/// std::invalid_argument for a name that is none.
double metric(const std::string& name, std::span<const double> labels, std::span<const double> predictions);

}  // namespace peftgrid::worker
