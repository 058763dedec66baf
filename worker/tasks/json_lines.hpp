#pragma once

#include <string>
#include <string_view>

#include "worker/tasks/read_table.hpp"

namespace peftgrid::worker {

/// One JSON object a line, whose keys are the columns. As parse_table.
Table parse_json_lines(std::string_view text, const TableRequest& request, const std::string& where);

}  // namespace peftgrid::worker
