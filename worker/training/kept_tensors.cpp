#include "worker/training/kept_tensors.hpp"

#include <ATen/TensorOperators.h>

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

/// The last layer's output is the target; scaled like that, it is the label.
at::Tensor predicting_labels(const Trained& p, const TargetScale& scale) {
  if (p.name == "classifier.weight") return p.tensor * scale.deviation;
  if (p.name == "classifier.bias") return p.tensor * scale.deviation + scale.mean;
  return p.tensor;
}

void keep(const std::string& name, const at::Tensor& tensor, bool whole, checkpoint::TrialRecord& record) {
  const at::Tensor values = tensor.detach().cpu().contiguous();
  const float* first = values.const_data_ptr<float>();
  checkpoint::KeptTensor kept{name, values.sizes().vec(), {}, {}};
  kept.sha256 = checkpoint::sha256({reinterpret_cast<const char*>(first), values.nbytes()});
  if (whole) kept.values.assign(first, first + values.numel());
  record.stored_bytes += static_cast<std::int64_t>(kept.values.size() * sizeof(float));
  record.tensors.push_back(std::move(kept));
}

}  // namespace

void keep_tensors(const TrialSpec& spec, const Model& model, const TargetScale& scale,
                  checkpoint::TrialRecord& record) {
  const bool copies_base = spec.method.name == "full" || spec.method.name == "top_layers";
  const bool all = spec.keep == "all", none = spec.keep == "none";
  for (const Trained& p : model.method_parameters()) keep(p.name, p.tensor, all || (!none && !copies_base), record);
  const bool scaled = spec.task.targets == "standardized";
  for (const Trained& p : model.head_parameters())
    keep(p.name, scaled ? predicting_labels(p, scale) : p.tensor, !none, record);
}

}  // namespace peftgrid::worker
