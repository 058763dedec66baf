#include "worker/objectives/kinds.hpp"
#include "worker/plan/objective_plan.hpp"

namespace peftgrid::worker {

namespace {

/// The tokens of an answer, or of a whole text, each predicted from those before it.
class LanguageModelPlan : public ObjectivePlan {
 public:
  KindInfo info() const override { return {kLanguageModel, KindInfo::Labels::Tokens, {"perplexity"}, {"perplexity"}}; }
  std::int64_t outputs(const TaskSpec& /*task*/) const override { return 1; }
  std::int64_t head_outputs(const TaskSpec& /*task*/) const override { return 0; }
  bool predicts_tokens(bool /*untrained*/) const override { return true; }
  bool works_untrained() const override { return true; }
};

}  // namespace

const ObjectivePlan& language_model_plan() {
  static const LanguageModelPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
