#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// Lists the dense layers that lead from one of `widths` to the next, called as torch.nn.Sequential calls them where an
/// activation stands between: NAME.0, NAME.2 and so on, a weight and a bias each.
void list_dense_network(MethodFacts& facts, const std::string& name, const std::vector<std::int64_t>& widths);
/// The name of the layer of this index.
std::string dense_layer(const std::string& name, std::size_t index);

}  // namespace peftgrid::worker
