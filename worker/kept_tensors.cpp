#include "worker/kept_tensors.hpp"

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

void keep(const Trained& p, bool whole, checkpoint::TrialRecord& record) {
  const at::Tensor values = p.tensor.detach().cpu().contiguous();
  const float* first = values.const_data_ptr<float>();
  checkpoint::KeptTensor kept{p.name, values.sizes().vec(), {}, {}};
  kept.sha256 = checkpoint::sha256({reinterpret_cast<const char*>(first), values.nbytes()});
  if (whole) kept.values.assign(first, first + values.numel());
  record.stored_bytes += static_cast<std::int64_t>(kept.values.size() * sizeof(float));
  record.tensors.push_back(std::move(kept));
}

}  // namespace

void keep_tensors(const TrialSpec& spec, const Model& model, checkpoint::TrialRecord& record) {
  const bool copies_base = spec.method.name == "full" || spec.method.name == "top_layers";
  const bool all = spec.keep == "all", none = spec.keep == "none";
  for (const Trained& p : model.method_parameters()) keep(p, all || (!none && !copies_base), record);
  for (const Trained& p : model.head_parameters()) keep(p, !none, record);
}

}  // namespace peftgrid::worker
