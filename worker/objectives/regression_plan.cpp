#include "worker/objectives/kinds.hpp"
#include "worker/plan/objective_plan.hpp"

namespace peftgrid::worker {

namespace {

class RegressionPlan : public ObjectivePlan {
 public:
  KindInfo info() const override {
    return {kRegression,
            KindInfo::Labels::Values,
            {"spearman", "pearson", "accuracy_2", "accuracy_2_nonzero", "accuracy_7", "mse", "mae"},
            {"spearman", "pearson"}};
  }
  std::int64_t outputs(const TaskSpec& /*task*/) const override { return 1; }
};

}  // namespace

const ObjectivePlan& regression_plan() {
  static const RegressionPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
