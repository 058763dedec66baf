#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include "worker/objectives/objective.hpp"

namespace peftgrid::worker {

namespace {

/// Next tokens: of the answer, or of the whole text. A row counts by its target tokens, which its label says.
class LanguageModel : public Objective {
 public:
  double weight(double label) const override { return label; }

  at::Tensor loss(const Outputs& outputs) const override {
    return outputs.token_losses(outputs.examples().first_target).mean();
  }

  /// Each row's sum over its tokens, in nats.
  at::Tensor scores(const Outputs& outputs) const override {
    const at::Tensor losses = outputs.token_losses(outputs.examples().first_target).cpu();
    const float* next = losses.const_data_ptr<float>();
    const at::Tensor sums = at::empty({outputs.examples().rows(), 1}, at::kFloat);
    float* sum = sums.mutable_data_ptr<float>();
    for (const double label : outputs.examples().labels) {
      double all = 0;
      for (std::int64_t left = static_cast<std::int64_t>(label); left > 0; --left) all += static_cast<double>(*next++);
      *sum++ = static_cast<float>(all);
    }
    return sums;
  }

  std::vector<double> decide(const at::Tensor& sums) const override {
    const float* first = sums.const_data_ptr<float>();
    return {first, first + sums.numel()};
  }
};

}  // namespace

std::unique_ptr<Objective> make_language_model(const ObjectiveSetup& /*setup*/) {
  return std::make_unique<LanguageModel>();
}

}  // namespace peftgrid::worker
