#include <algorithm>

#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

#define OBJECTIVE(name) const ObjectivePlan& name##_plan();
#include "worker/objectives/objectives.inc"
#undef OBJECTIVE

namespace {

const std::vector<const ObjectivePlan*>& objective_plans() {
  static const std::vector<const ObjectivePlan*> all{
#define OBJECTIVE(name) &name##_plan(),
#include "worker/objectives/objectives.inc"
#undef OBJECTIVE
  };
  return all;
}

}  // namespace

const std::vector<KindInfo>& task_kinds() {
  static const std::vector<KindInfo> all = [] {
    std::vector<KindInfo> infos;
    for (const ObjectivePlan* plan : objective_plans()) infos.push_back(plan->info());
    return infos;
  }();
  return all;
}

const KindInfo* find_kind(const std::string& kind) {
  const auto found = std::ranges::find(task_kinds(), kind, &KindInfo::name);
  return found == task_kinds().end() ? nullptr : &*found;
}

bool has_classes(const TaskSpec& task) {
  const KindInfo* kind = find_kind(task.kind);
  return kind != nullptr && kind->classes;
}

const ObjectivePlan& objective_plan(const std::string& kind) {
  const auto found =
      std::ranges::find_if(objective_plans(), [&](const ObjectivePlan* plan) { return plan->info().name == kind; });
  if (found == objective_plans().end()) throw UsageError("this program has no kind of task " + in_quotes(kind));
  return **found;
}

std::int64_t outputs_of(const TaskSpec& task) {
  return objective_plan(task.kind).outputs(task);
}

std::vector<ParameterFact> ObjectivePlan::head(const MethodContext& context) const {
  const std::int64_t width = context.model.geometry.width, count = outputs(context.task);
  std::vector<ParameterFact> facts{{"classifier.weight", {count, width}}};
  if (context.model.architecture->head.bias) facts.push_back({"classifier.bias", {count}, false});
  if (context.readout == kReadsPooler && !context.model.pooler) {
    facts.push_back({"pooler.dense.weight", {width, width}});
    facts.push_back({"pooler.dense.bias", {width}, false});
  }
  return facts;
}

}  // namespace peftgrid::worker
