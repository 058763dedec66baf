#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>

#include "worker/objectives/heads.hpp"

namespace peftgrid::worker {

namespace {

/// Cross-entropy over classes.
class Classification : public HeadObjective {
 public:
  using HeadObjective::HeadObjective;

  at::Tensor scores(const Outputs& outputs) const override { return row_logits(outputs); }

  at::Tensor task_loss(const at::Tensor& logits, std::span<const double> labels) const override {
    const at::Tensor classes = at::empty({static_cast<std::int64_t>(labels.size())}, at::kLong);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      classes.mutable_data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(labels[i]);
    }
    return at::cross_entropy_loss(logits, classes.to(logits.device()));
  }

  std::vector<double> decide(const at::Tensor& logits) const override {
    const at::Tensor decided = at::argmax(logits, 1).cpu().to(at::kDouble).contiguous();
    const double* first = decided.const_data_ptr<double>();
    return {first, first + decided.numel()};
  }
};

}  // namespace

std::unique_ptr<Objective> make_classification(const ObjectiveSetup& setup) {
  return std::make_unique<Classification>(setup);
}

}  // namespace peftgrid::worker
