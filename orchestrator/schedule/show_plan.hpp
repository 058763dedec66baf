#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/schedule/plan.hpp"

namespace peftgrid::orchestrator {

/// What `orchestrator plan` prints, at most 120 columns wide.
struct PlanView {
  std::int64_t ranks = 1;
  Speed speed;
  bool verbose = false;  // every trial of the order, not the first few
};
void show_plan(std::ostream& out, const Grid& grid, const Plan& plan, const PlanView& view);

/// Rows of text with aligned columns, each cut to what fits 120 columns. The first row is the heading. Columns whose
/// heading begins with '>' are set flush right.
void show_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

/// How the ranks are filled over time, as lines of text: each rank's trials where there are few ranks, else the share
/// of ranks at work.
std::vector<std::string> load_picture(const Simulation& run, std::int64_t ranks);

std::string seconds_text(double seconds);
std::string rounded_bytes(double bytes);
std::string count_text(std::int64_t count);  // 1,234,567

}  // namespace peftgrid::orchestrator
