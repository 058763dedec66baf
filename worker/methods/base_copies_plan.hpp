#pragma once

#include "worker/plan/method_plan.hpp"

/// What methods that train tensors of the base itself have in common.
namespace peftgrid::worker {

/// A tensor of the base as it is trained: under the name that the file has for it.
ParameterFact copy_of(const TensorFact& tensor);
/// Copies of the last `layers` blocks and of the pooler.
MethodFacts copies_of_top_layers(const ModelFacts& model, std::int64_t layers);
/// By name, the pooler's last: the order of the flat buffer, which random numbers and states rest on.
void order_as_stored(MethodFacts& facts);

}  // namespace peftgrid::worker
