#pragma once

#include <string>
#include <vector>

namespace peftgrid::orchestrator {

/// The one of `known` that users of other programs mean by `name`: "lr" is learning_rate, "q_proj" is query. Empty
/// where that is none of them. Only for messages: nothing but the grid's own names is accepted.
std::string meant_by(const std::string& name, const std::vector<std::string>& known);

}  // namespace peftgrid::orchestrator
