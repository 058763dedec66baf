#include "worker/objectives/heads.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/tanh.h>

namespace peftgrid::worker {

namespace {

at::Tensor drawn(std::uint64_t seed, std::uint32_t which, std::int64_t out, std::int64_t in) {
  return trained(normal(stream(seed, Purpose::HeadInit, which), out * in, 0.02), {out, in});
}

at::Tensor zeros(std::int64_t count) {
  return trained(std::vector<float>(static_cast<std::size_t>(count)), {count});
}

}  // namespace

Head::Head(std::int64_t width, std::int64_t outputs, bool new_pooler, double dropout, std::uint64_t seed)
    : weight_(drawn(seed, 0, outputs, width)), bias_(zeros(outputs)), dropout_(dropout) {
  if (!new_pooler) return;
  pooler_weight_ = drawn(seed, 1, width, width);
  pooler_bias_ = zeros(width);
}

at::Tensor Head::logits(const at::Tensor& representation, const Pass& pass) const {
  at::Tensor x = representation;
  if (pooler_weight_.defined()) x = at::tanh(at::linear(x, pooler_weight_, pooler_bias_));
  if (pass.training) x = dropout(x, dropout_, stream(pass.seed, Purpose::HeadDropout), pass.step, *pass.owners);
  return at::linear(x, weight_, bias_);
}

std::vector<Trained> Head::parameters() const {
  std::vector<Trained> all{{"classifier.weight", weight_}, {"classifier.bias", bias_, false}};
  if (pooler_weight_.defined()) {
    all.push_back({"pooler.dense.weight", pooler_weight_});
    all.push_back({"pooler.dense.bias", pooler_bias_, false});
  }
  return all;
}

at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& labels, bool regression, double share) {
  const at::Tensor mean = regression ? at::mse_loss(logits.squeeze(1), labels) : at::cross_entropy_loss(logits, labels);
  return share == 1.0 ? mean : mean * share;
}

}  // namespace peftgrid::worker
