#include "worker/objectives/kinds.hpp"
#include "worker/plan/objective_plan.hpp"

namespace peftgrid::worker {

namespace {

class ClassificationPlan : public ObjectivePlan {
 public:
  KindInfo info() const override {
    return {kClassification,
            KindInfo::Labels::Classes,
            {"accuracy", "f1", "macro_f1", "weighted_f1", "matthews"},
            {"accuracy", "macro_f1"}};
  }
  std::int64_t outputs(const TaskSpec& task) const override { return static_cast<std::int64_t>(task.labels.size()); }
};

}  // namespace

const ObjectivePlan& classification_plan() {
  static const ClassificationPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
