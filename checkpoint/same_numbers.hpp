#pragma once

#include <string>
#include <vector>

#include "checkpoint/trial_file.hpp"

namespace peftgrid::checkpoint {

/// One field in which two trials differ, in words: {"test accuracy", "0.8125 and 0.8130, by 0.0005"}.
struct Difference {
  std::string field;
  std::string how;
};

/// In which numbers two records of one id differ: state, metrics, predictions, curve, counts, tensors. What may differ
/// between two runs of the same trial is left out: times, memory, environment, stored bytes, and the spec, whose paths
/// depend on the machine and whose rest the id hashes. NaN equals NaN.
///
/// `tolerance` 0 asks for identity, of tensors by hash. Above 0, numbers may differ by that much, so may the share of
/// rows whose prediction differs, and tensors kept only as hashes are not compared.
std::vector<Difference> differences(const TrialRecord& first, const TrialRecord& second, double tolerance = 0);

}  // namespace peftgrid::checkpoint
