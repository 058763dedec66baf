#pragma once

#include <cstdint>
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
  /// Numbers that the head gives a row.
  virtual std::int64_t outputs(const TaskSpec& task) const = 0;
  /// The head's tensors, which every trial has and trains: a linear layer, and before it a new dense one where the
  /// readout goes through a pooler that the base has not.
  std::vector<ParameterFact> head(const MethodContext& context) const;
};

/// Throws UsageError for a kind that is none.
const ObjectivePlan& objective_plan(const std::string& kind);

}  // namespace peftgrid::worker
