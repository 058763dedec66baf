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
/// Those that `targets` names and no layer has.
std::vector<std::string> absent_targets(const MethodContext& context);
/// Why nothing would train, if `targets` names nothing else.
std::optional<std::string> no_target(const MethodContext& context);
/// What the pair of a fused matrix is called: "layer.3.query_key_value".
std::string fused_place_name(const std::vector<Site>& fused, std::int64_t layer);
/// "PLACE.lora_A" [rank, in] and "PLACE.lora_B" [out, rank] of these places. Shared: places whose products are one
/// matrix have one pair, B as high as the whole matrix; all of them must be listed.
enum class Pairs : std::uint8_t { Separate, Shared };
MethodFacts low_rank_facts(const std::vector<std::pair<std::int64_t, Site>>& places, const Geometry& geometry,
                           std::int64_t rank, Pairs pairs = Pairs::Separate);
/// alpha / rank, or alpha / sqrt(rank), by the option `scaling`.
double low_rank_scale(const MethodSpec& method);
/// Throws UsageError for a rank above the width of the linear layers.
void check_rank(const MethodContext& context);

}  // namespace peftgrid::worker
