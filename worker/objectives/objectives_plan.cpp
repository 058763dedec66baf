#include <algorithm>

#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/tasks/row_encoder.hpp"
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

KindInfo::Labels label_form(const TaskSpec& task) {
  const KindInfo* kind = find_kind(task.kind);
  return kind == nullptr ? KindInfo::Labels::Values : kind->labels;
}

bool has_classes(const TaskSpec& task) {
  return label_form(task) == KindInfo::Labels::Classes;
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
  const std::int64_t width = context.model.geometry.width, count = head_outputs(context.task);
  std::vector<ParameterFact> facts;
  if (count == 0 || method_plan(context.method.name).is_untrained()) return facts;
  facts.push_back({"classifier.weight", {count, width}});
  if (context.model.architecture->head.bias) facts.push_back({"classifier.bias", {count}, false});
  if (context.input == kInputGpt1) facts.push_back({kInsertedVectors, {kInsertedTokens, width}});
  if (context.readout == kReadsPooler && !context.model.pooler) {
    facts.push_back({"pooler.dense.weight", {width, width}});
    facts.push_back({"pooler.dense.bias", {width}, false});
  }
  return facts;
}

bool predicts_tokens(const TrialSpec& spec) {
  const bool untrained = method_plan(spec.method.name).is_untrained();
  return spec.training.auxiliary_lm > 0 || objective_plan(spec.task.kind).predicts_tokens(untrained);
}

bool computes_features_once(const TrialSpec& spec, const MethodFacts& method) {
  const bool inserts = spec.backbone.input != kInputPlain;
  return method.base_in_evaluation && !inserts && !method_plan(spec.method.name).is_untrained();
}

std::optional<std::string> kind_does_not_apply(const TrialSpec& spec, const ModelFacts& model,
                                               const MethodFacts& method) {
  const ObjectivePlan& kind = objective_plan(spec.task.kind);
  if (method_plan(spec.method.name).is_untrained() && !kind.works_untrained())
    return "nothing trains, and a new head would only guess";
  if (!predicts_tokens(spec)) return std::nullopt;
  if (model.architecture->output_in_file.empty()) {
    const bool asked = spec.training.auxiliary_lm > 0;  // beside its own loss
    return model.architecture->name + " predicts no next tokens" + (asked ? ", as auxiliary_lm has it" : "");
  }
  if (method.whole_rows) return "it averages over a row, and would predict a token from those behind it";
  if (kind.head_outputs(spec.task) == 0 && method.parameters.empty() && !method_plan(spec.method.name).is_untrained())
    return "a language model has no new head, and nothing else would train";
  if (computes_features_once(spec, method)) return "the base does not train: an auxiliary loss on it changes nothing";
  return std::nullopt;
}

}  // namespace peftgrid::worker
