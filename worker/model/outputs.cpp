#include "worker/model/outputs.hpp"

#include <ATen/ops/index_select.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "worker/kernels/functions.hpp"
#include "worker/kernels/index_tensor.hpp"
#include "worker/objectives/readout.hpp"

namespace peftgrid::worker {

namespace {

/// What the readout takes of each row's states, before a pooler.
at::Tensor read(const BackbonePass& run, const at::Tensor& known) {
  if (run.readout == kReadsMean)
    return row_means(known.defined() ? known : run.backbone.hidden(run.weights, run.batch, run.sites), run.batch.own);
  const ReadTokens tokens = run.readout == kReadsLast ? last_tokens(run.batch) : first_tokens(run.batch);
  if (known.defined()) return at::index_select(known, 0, tokens.index).narrow(0, 0, run.batch.rows);
  return run.backbone.hidden_of(tokens, run.weights, run.batch, run.sites);
}

}  // namespace

at::Tensor representation(const BackbonePass& run, const at::Tensor& hidden) {
  at::Tensor x = read(run, hidden);
  if (run.backbone.facts().pooler) x = run.backbone.pooled(run.weights, run.sites, x);
  return run.sites.at({Site::Output, 0, x, x});
}

PassOutputs::PassOutputs(const Examples& examples, Pass pass, const BackbonePass& run, at::Tensor inserted)
    : Outputs(examples, std::move(pass)), run_(run), inserted_(std::move(inserted)) {
  if (run.backbone.facts().output) hidden_ = run.backbone.hidden(run.weights, run.batch, run.sites);
}

at::Tensor PassOutputs::token_losses(std::span<const std::int32_t> from) const {
  const Batch& batch = run_.batch;
  std::vector<std::int64_t> before, targets;
  for (std::size_t s = 0; s < from.size(); ++s) {
    const std::span<const std::int32_t> ids = examples().sequences[s].ids;
    const std::int64_t begin = (*batch.offsets)[s] + batch.prompts[s];
    for (auto t = static_cast<std::size_t>(from[s]); t < ids.size(); ++t) {
      before.push_back(begin + static_cast<std::int64_t>(t) - 1);
      const std::int64_t inserted = run_.backbone.config().vocabulary - 1 - ids[t];
      targets.push_back(ids[t] >= 0 ? ids[t] : inserted);
    }
  }
  const at::Tensor lines = at::index_select(hidden_, 0, index_tensor(before, batch.device));
  const at::Tensor& table = run_.weights.at(run_.backbone.facts().output_name());
  return linear_cross_entropy(lines, {table, inserted_}, index_tensor(targets, batch.device));
}

at::Tensor KeptOutputs::token_losses(std::span<const std::int32_t> /*from*/) const {
  throw std::logic_error("tokens cannot be predicted from representations");
}

}  // namespace peftgrid::worker
