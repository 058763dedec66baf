#include "worker/objectives/heads.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>

#include "worker/kernels/optional_tensor.hpp"

namespace peftgrid::worker {

Head::Head(std::vector<ParameterFact> facts, const HeadStyle& style, double dropout, std::uint64_t seed)
    : trained_(std::move(facts)), style_(style), dropout_(dropout) {
  const auto key = [&](std::uint32_t which) { return stream(seed, Purpose::HeadInit, which); };
  weight_ = trained_.normal("classifier.weight", key(0), 0.02);
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

}  // namespace peftgrid::worker
