#include "worker/training/kept_tensors.hpp"

#include <ATen/TensorOperators.h>

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

checkpoint::KeptTensor kept_tensor(const std::string& name, const at::Tensor& tensor, bool whole) {
  const at::Tensor values = tensor.detach().cpu().contiguous();
  const float* first = values.const_data_ptr<float>();
  checkpoint::KeptTensor kept{name, values.sizes().vec(), {}, {}};
  kept.sha256 = checkpoint::sha256({reinterpret_cast<const char*>(first), values.nbytes()});
  if (whole) kept.values.assign(first, first + values.numel());
  return kept;
}

void keep(const std::string& name, const at::Tensor& tensor, bool whole, checkpoint::TrialRecord& record) {
  checkpoint::KeptTensor kept = kept_tensor(name, tensor, whole);
  record.stored_bytes += static_cast<std::int64_t>(kept.values.size() * sizeof(float));
  record.tensors.push_back(std::move(kept));
}

}  // namespace

void keep_tensors(const TrialSpec& spec, Model& model, checkpoint::TrialRecord& record) {
  const bool all = spec.keep == "all", none = spec.keep == "none";
  const bool whole = all || (!none && !model.method_facts().copies_base);
  for (const Stored& one : model.stored()) keep(one.name, one.values, whole, record);
  for (const Stored& one : model.objective().stored()) keep(one.name, one.values, !none, record);
}

void keep_logits(const std::string& test, const at::Tensor& logits, checkpoint::TrialRecord& record) {
  record.tensors.push_back(kept_tensor(checkpoint::kLogitsPrefix + test, logits, true));
}

}  // namespace peftgrid::worker
