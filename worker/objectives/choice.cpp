#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "worker/kernels/index_tensor.hpp"
#include "worker/objectives/heads.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

/// Numbers of sequences [sequences] as a line a row, [rows, most]; minus infinity where a row has no such choice.
at::Tensor by_row(const at::Tensor& numbers, const Examples& examples, std::int64_t most) {
  const std::int64_t nothing = examples.count();
  std::vector<std::int64_t> which(static_cast<std::size_t>(examples.rows() * most), nothing);
  for (std::int64_t row = 0; row < examples.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    for (std::int64_t s = examples.first[at]; s < examples.first[at + 1]; ++s) {
      which[static_cast<std::size_t>(row * most + s - examples.first[at])] = s;
    }
  }
  const at::Tensor none = at::full({1}, -std::numeric_limits<double>::infinity(), numbers.options());
  return at::index_select(at::cat({numbers, none}), 0, index_tensor(which, numbers.device())).view({-1, most});
}

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
    return by_row(says(outputs.representation(), outputs, std::move(owner)).squeeze(1), examples, most_);
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
class LikelierChoice : public Objective {
 public:
  explicit LikelierChoice(const ObjectiveSetup& setup)
      : most_(static_cast<std::int64_t>(setup.spec.task.choices.size())) {}

  at::Tensor loss(const Outputs& /*outputs*/) const override { throw std::logic_error("nothing trains"); }

  at::Tensor scores(const Outputs& outputs) const override {
    const Examples& examples = outputs.examples();
    const at::Tensor surprise = outputs.surprise(examples.answer).cpu();
    const float* next = surprise.const_data_ptr<float>();
    const at::Tensor means = at::full({examples.count()}, 0, at::kFloat);
    for (std::int64_t s = 0; s < examples.count(); ++s) {
      const auto at = static_cast<std::size_t>(s);
      const auto told = static_cast<std::int64_t>(examples.sequences[at].ids.size()) - examples.answer[at];
      double sum = 0;
      for (std::int64_t t = 0; t < told; ++t) sum += static_cast<double>(*next++);
      means.mutable_data_ptr<float>()[s] = static_cast<float>(-sum / static_cast<double>(told));
    }
    return by_row(means, examples, most_);
  }

  std::vector<double> decide(const at::Tensor& scores) const override { return highest(scores); }

 private:
  std::int64_t most_;
};

}  // namespace

std::unique_ptr<Objective> make_choice(const ObjectiveSetup& setup) {
  if (method_plan(setup.spec.method.name).is_untrained()) return std::make_unique<LikelierChoice>(setup);
  return std::make_unique<Choice>(setup);
}

}  // namespace peftgrid::worker
