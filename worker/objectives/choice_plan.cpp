#include "worker/objectives/kinds.hpp"
#include "worker/plan/objective_plan.hpp"

namespace peftgrid::worker {

namespace {

/// One of a row's own choices, by one number each: of a new head, or of the model as it is.
class ChoicePlan : public ObjectivePlan {
 public:
  KindInfo info() const override { return {kChoice, KindInfo::Labels::Choices, {"accuracy"}, {"accuracy"}}; }
  std::int64_t outputs(const TaskSpec& task) const override { return static_cast<std::int64_t>(task.choices.size()); }
  std::int64_t head_outputs(const TaskSpec& /*task*/) const override { return 1; }
  bool predicts_tokens(bool untrained) const override { return untrained; }
  bool works_untrained() const override { return true; }
};

}  // namespace

const ObjectivePlan& choice_plan() {
  static const ChoicePlan plan;
  return plan;
}

}  // namespace peftgrid::worker
