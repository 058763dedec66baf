#pragma once

#include <string>
#include <vector>

#include "worker/plan/method_plan.hpp"

/// What methods with a low-rank product beside linear layers have in common.
namespace peftgrid::worker {

/// What the option `targets` may name, "all" among them.
std::vector<std::string> low_rank_targets();
/// The sites that `targets` names, layer by layer.
std::vector<std::pair<std::int64_t, Site>> low_rank_places(const MethodSpec& method, const Geometry& geometry);
/// "PLACE.lora_A" [rank, in] and "PLACE.lora_B" [out, rank] of these places.
MethodFacts low_rank_facts(const std::vector<std::pair<std::int64_t, Site>>& places, const Geometry& geometry,
                           std::int64_t rank);
/// alpha / rank, or alpha / sqrt(rank), by the option `scaling`.
double low_rank_scale(const MethodSpec& method);
/// Throws UsageError for a rank above the width of the linear layers.
void check_rank(const MethodContext& context);

}  // namespace peftgrid::worker
