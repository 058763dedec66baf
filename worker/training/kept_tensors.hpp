#pragma once

#include "checkpoint/trial_file.hpp"
#include "worker/model/model.hpp"
#include "worker/tasks/target_scale.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Puts the trained tensors into the record by the trial's `keep`: what PEFT methods trained is kept whole, a method's
/// own copies of the base (full, top_layers) only as hashes unless all is asked for, the head unless none is. The
/// head's last layer is kept so that it predicts labels and not targets: a file needs no scale beside it.
void keep_tensors(const TrialSpec& spec, const Model& model, const TargetScale& scale, checkpoint::TrialRecord& record);

}  // namespace peftgrid::worker
