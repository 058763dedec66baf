#pragma once

#include "checkpoint/trial_file.hpp"
#include "worker/model/model.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Puts the trained tensors into the record by the trial's `keep`: what PEFT methods trained is kept whole, a method's
/// copies of the base only as hashes unless all is asked for, the head unless none is; it is kept so that it predicts
/// labels and not targets: a file needs no scale beside it.
void keep_tensors(const TrialSpec& spec, Model& model, checkpoint::TrialRecord& record);
/// Adds the logits of a test set, [rows, outputs], whole.
void keep_logits(const std::string& test, const at::Tensor& logits, checkpoint::TrialRecord& record);

}  // namespace peftgrid::worker
