#pragma once

#include "worker/plan/method_plan.hpp"

/// What methods that train tensors of the base itself have in common.
namespace peftgrid::worker {

/// The option of `full` that says how many blocks start as they were pretrained.
inline constexpr const char* kPretrainedLayers = "pretrained_layers";

/// A tensor of the base as it is trained: under the name that the file has for it.
ParameterFact copy_of(const TensorFact& tensor, const ModelFacts& model);
/// Copies of the last `layers` blocks and of the pooler.
MethodFacts copies_of_top_layers(const ModelFacts& model, std::int64_t layers);
/// By name, the pooler's last: the order of the flat buffer, which random numbers and states rest on.
void order_as_stored(MethodFacts& facts);

}  // namespace peftgrid::worker
