#include "worker/objectives/heads.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "worker/kernels/optional_tensor.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/tasks/row_encoder.hpp"

namespace peftgrid::worker {

namespace {

double dropout_of(const ObjectiveSetup& setup) {
  const ModelConfig& config = setup.model.config;
  const bool inserted = setup.spec.backbone.input == kInputGpt1;
  return (inserted ? config.inserted_head_dropout : config.head_dropout).value_or(0);
}

}  // namespace

Head::Head(std::vector<ParameterFact> facts, const HeadStyle& style, double dropout, std::uint64_t seed)
    : trained_(std::move(facts)), style_(style), dropout_(dropout) {
  const auto key = [&](std::uint32_t which) { return stream(seed, Purpose::HeadInit, which); };
  weight_ = trained_.normal("classifier.weight", key(0), 0.02);
  if (trained_.lists(kInsertedVectors)) inserted_ = trained_.normal(kInsertedVectors, key(2), 0.02);
  if (trained_.lists("classifier.bias")) bias_ = trained_.zeros("classifier.bias");
  if (!trained_.lists("pooler.dense.weight")) return;
  dense_weight_ = trained_.normal("pooler.dense.weight", key(1), 0.02);
  dense_bias_ = trained_.zeros("pooler.dense.bias");
}

at::Tensor Head::dense(const at::Tensor& x, const Pass& pass) const {
  const bool drops = pass.training && style_.dropout_before_dense;
  const Key key = stream(pass.seed, Purpose::HeadDropout, 1);
  const at::Tensor y =
      at::linear(drops ? dropout(x, dropout_, key, pass.step, *pass.owners) : x, dense_weight_, dense_bias_);
  switch (style_.activation) {
    case HeadStyle::Activation::Relu:
      return at::relu(y);
    case HeadStyle::Activation::Gelu:
      return at::gelu(y);
    case HeadStyle::Activation::Tanh:
      break;
  }
  return at::tanh(y);
}

at::Tensor Head::operator()(const at::Tensor& representation, const Pass& pass) const {
  at::Tensor x = dense_weight_.defined() ? dense(representation, pass) : representation;
  if (pass.training) x = dropout(x, dropout_, stream(pass.seed, Purpose::HeadDropout), pass.step, *pass.owners);
  return at::linear(x, weight_, given(bias_));
}

HeadObjective::HeadObjective(const ObjectiveSetup& setup)
    : head_(objective_plan(setup.spec.task.kind).head(context_of(setup.spec, setup.model)),
            setup.model.architecture->head, dropout_of(setup), setup.spec.seed),
      auxiliary_lm_(setup.spec.training.auxiliary_lm) {}

at::Tensor HeadObjective::loss(const Outputs& outputs) const {
  const at::Tensor own = task_loss(scores(outputs), outputs.examples().labels);
  return auxiliary_lm_ > 0 ? own + language_loss(outputs) * auxiliary_lm_ : own;
}

at::Tensor HeadObjective::head_logits(const at::Tensor& lines, const Outputs& outputs,
                                      std::vector<std::uint32_t> owner) const {
  Pass pass = outputs.pass();
  auto owners = std::make_shared<TokenOwners>();
  owners->position.resize(owner.size());
  owners->example = std::move(owner);
  pass.owners = owners;
  return head_(lines, pass);
}

at::Tensor HeadObjective::row_logits(const Outputs& outputs) const {
  const Examples& examples = outputs.examples();
  at::Tensor states = outputs.representation();
  if (examples.count() > examples.rows()) states = states.view({examples.rows(), -1, states.size(1)}).sum(1);
  return head_logits(states, outputs, examples.row);
}

at::Tensor HeadObjective::language_loss(const Outputs& outputs) const {
  const Examples& examples = outputs.examples();
  const auto sequences = static_cast<std::size_t>(examples.count());
  std::vector<float> share;
  for (std::int64_t row = 0; row < examples.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    const std::int64_t of_row = examples.first[at + 1] - examples.first[at];
    for (std::int64_t s = examples.first[at]; s < examples.first[at + 1]; ++s) {
      const auto targets = static_cast<std::int64_t>(examples.sequences[static_cast<std::size_t>(s)].ids.size()) - 1;
      const auto parts = static_cast<float>(targets * of_row * examples.rows());
      share.insert(share.end(), static_cast<std::size_t>(targets), 1.0F / parts);
    }
  }
  const at::Tensor losses = outputs.token_losses(std::vector<std::int32_t>(sequences, 1));
  const at::Tensor shares = at::empty({static_cast<std::int64_t>(share.size())}, at::kFloat);
  std::ranges::copy(share, shares.mutable_data_ptr<float>());
  return (losses * shares.to(losses.device())).sum();
}

}  // namespace peftgrid::worker
