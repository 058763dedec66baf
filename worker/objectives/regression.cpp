#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mse_loss.h>

#include <algorithm>

#include "worker/objectives/heads.hpp"
#include "worker/tasks/target_scale.hpp"

namespace peftgrid::worker {

namespace {

/// Mean squared error of values, standardised by the training rows where the task says so.
class Regression : public HeadObjective {
 public:
  explicit Regression(const ObjectiveSetup& setup) : HeadObjective(setup), task_(setup.spec.task) {}

  at::Tensor scores(const Outputs& outputs) const override { return row_logits(outputs); }

  void see_training_labels(std::span<const double> labels) override { scale_ = target_scale(task_, labels); }

  at::Tensor task_loss(const at::Tensor& logits, std::span<const double> labels) const override {
    const at::Tensor targets = at::empty({static_cast<std::int64_t>(labels.size())}, at::kFloat);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      targets.mutable_data_ptr<float>()[i] = static_cast<float>(scale_.target_of(labels[i]));
    }
    return at::mse_loss(logits.squeeze(1), targets.to(logits.device()));
  }

  std::vector<double> decide(const at::Tensor& logits) const override {
    const at::Tensor decided = logits.squeeze(1).cpu().to(at::kDouble).contiguous();
    const double* first = decided.const_data_ptr<double>();
    return {first, first + decided.numel()};
  }

  double prediction_of(double decided) const override { return scale_.label_of(decided); }

  /// The last layer's output is the target; scaled like that, it is the label.
  std::vector<Stored> stored() const override {
    std::vector<Stored> all = Objective::stored();
    if (task_.targets == "raw") return all;
    for (Stored& one : all) {
      if (one.name == "classifier.weight") one.values = one.values * scale_.deviation;
      if (one.name == "classifier.bias") one.values = one.values * scale_.deviation + scale_.mean;
    }
    const auto is_bias = [](const Stored& one) { return one.name == "classifier.bias"; };
    if (std::ranges::none_of(all, is_bias)) all.push_back({"classifier.bias", at::full({1}, scale_.mean, at::kFloat)});
    return all;
  }

 private:
  TaskSpec task_;
  TargetScale scale_;
};

}  // namespace

std::unique_ptr<Objective> make_regression(const ObjectiveSetup& setup) {
  return std::make_unique<Regression>(setup);
}

}  // namespace peftgrid::worker
