#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>

#include <limits>
#include <stdexcept>

#include "worker/kernels/index_tensor.hpp"
#include "worker/objectives/heads.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

constexpr double kNoChoice = -std::numeric_limits<double>::infinity();

std::vector<double> highest(const at::Tensor& scores) {
  const at::Tensor decided = at::argmax(scores, 1).cpu().to(at::kDouble).contiguous();
  const double* first = decided.const_data_ptr<double>();
  return {first, first + decided.numel()};
}

/// A new head gives each choice a number; a softmax over the row's own.
class Choice : public HeadObjective {
 public:
  explicit Choice(const ObjectiveSetup& setup)
      : HeadObjective(setup),
        most_(static_cast<std::int64_t>(setup.spec.task.choices.size())),
        shares_dropout_(setup.spec.backbone.input == kInputGpt1) {}

  at::Tensor scores(const Outputs& outputs) const override {
    const Examples& examples = outputs.examples();
    std::vector<std::uint32_t> owner;
    for (std::size_t row = 0; row < examples.row.size(); ++row) {
      for (std::int64_t s = examples.first[row]; s < examples.first[row + 1]; ++s) {
        // GPT-1's own code drops the same numbers of all of a row's choices.
        owner.push_back(shares_dropout_ ? examples.row[row] : examples.sequences[static_cast<std::size_t>(s)].example);
      }
    }
    return by_row(head_logits(outputs.representation(), outputs, std::move(owner)), examples, most_, kNoChoice);
  }

  std::vector<double> decide(const at::Tensor& scores) const override { return highest(scores); }

 protected:
  at::Tensor task_loss(const at::Tensor& scores, std::span<const double> labels) const override {
    const std::vector<std::int64_t> right(labels.begin(), labels.end());
    return at::cross_entropy_loss(scores, index_tensor(right, scores.device()));
  }

 private:
  std::int64_t most_;
  bool shares_dropout_;
};

/// By the pretrained model as it is: the choice whose tokens have the highest mean log-probability.
class ChoiceByLikelihood : public Objective {
 public:
  explicit ChoiceByLikelihood(const ObjectiveSetup& setup)
      : most_(static_cast<std::int64_t>(setup.spec.task.choices.size())) {}

  at::Tensor loss(const Outputs& /*outputs*/) const override { throw std::logic_error("nothing trains"); }

  at::Tensor scores(const Outputs& outputs) const override {
    const Examples& examples = outputs.examples();
    const at::Tensor losses = outputs.token_losses(examples.first_target).cpu();
    const float* next = losses.const_data_ptr<float>();
    const at::Tensor means = at::full({examples.count(), 1}, 0, at::kFloat);
    for (std::int64_t s = 0; s < examples.count(); ++s) {
      const auto at = static_cast<std::size_t>(s);
      const auto targets = static_cast<std::int64_t>(examples.sequences[at].ids.size()) - examples.first_target[at];
      double sum = 0;
      for (std::int64_t t = 0; t < targets; ++t) sum += static_cast<double>(*next++);
      means.mutable_data_ptr<float>()[s] = static_cast<float>(-sum / static_cast<double>(targets));
    }
    return by_row(means, examples, most_, kNoChoice);
  }

  std::vector<double> decide(const at::Tensor& scores) const override { return highest(scores); }

 private:
  std::int64_t most_;
};

}  // namespace

std::unique_ptr<Objective> make_choice(const ObjectiveSetup& setup) {
  if (method_plan(setup.spec.method.name).is_untrained()) return std::make_unique<ChoiceByLikelihood>(setup);
  return std::make_unique<Choice>(setup);
}

}  // namespace peftgrid::worker
