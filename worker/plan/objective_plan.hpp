#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/catalogue.hpp"
#include "worker/plan/method_plan.hpp"

/// The plan part of a kind of task: everything about it but its arithmetic, without a tensor. KIND_plan.cpp and
/// KIND.cpp (worker/objectives/objective.hpp) lie side by side in worker/objectives/; objectives.inc lists them.
namespace peftgrid::worker {

class ObjectivePlan {
 public:
  virtual ~ObjectivePlan() = default;
  virtual KindInfo info() const = 0;
  /// Numbers that decide a row.
  virtual std::int64_t outputs(const TaskSpec& task) const = 0;
  /// Numbers that the new linear layer gives a sequence; 0: there is none.
  virtual std::int64_t head_outputs(const TaskSpec& task) const { return outputs(task); }
  /// What is new and trains in every trial: a linear layer, before it a dense one where the readout goes through a
  /// pooler that the base has not, and the tokens that `input: gpt1` inserts. Nothing where nothing trains.
  std::vector<ParameterFact> head(const MethodContext& context) const;
  /// Does the loss, or a prediction, predict next tokens?
  virtual bool predicts_tokens(bool /*untrained*/) const { return false; }
  /// Can a pretrained model do it as it is?
  virtual bool works_untrained() const { return false; }
};

/// Throws UsageError for a kind that is none.
const ObjectivePlan& objective_plan(const std::string& kind);

/// Does the trial read the table that predicts next tokens?
bool predicts_tokens(const TrialSpec& spec);
/// Does what the base gives for a row never change, so that it is computed once?
bool computes_features_once(const TrialSpec& spec, const MethodFacts& method);
/// Why a method cannot train on the kind of task so, if it cannot.
std::optional<std::string> kind_does_not_apply(const TrialSpec& spec, const ModelFacts& model,
                                               const MethodFacts& method);

}  // namespace peftgrid::worker
