#pragma once

#include <string>
#include <vector>

#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// Lists one bottleneck (parts/bottleneck.hpp): "NAME_down.weight" [bottleneck, width], "NAME_down.bias",
/// "NAME_up.weight" [width, bottleneck], "NAME_up.bias".
void list_bottleneck(const std::string& name, std::int64_t width, std::int64_t bottleneck,
                     std::vector<ParameterFact>& facts);

/// A bottleneck at each feed-forward part: "layer.I.adapter". Its width is that of the model over `reduction`.
MethodFacts feed_forward_adapter_facts(const Geometry& geometry, std::int64_t reduction);

/// What the option `activation` may be: "model" is that of the pretrained model.
std::vector<std::string> activations(bool model);

/// Throws UsageError where a bottleneck would be narrower than 1.
void check_reduction(const MethodContext& context);

}  // namespace peftgrid::worker
