#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"
#include "orchestrator/schedule/plan.hpp"

namespace peftgrid::orchestrator {

/// What one more seed of a method and its baseline would tell, and cost.
struct MoreSeeds {
  std::string backbone, task, method;
  std::int64_t train_size = 0;          // 0: all
  std::size_t seeds = 0;                // that method and baseline share now
  std::optional<double> half_width;     // of the joint range, now; nothing below two shared seeds
  std::optional<double> with_one_more;  // likewise, with the scatter that is known now
  double rank_s = 0;                    // of the method's trial, and of the baseline's
  Scale scale;
  double margin = 0;  // as ScoreColumn's
};

/// The grid's comparisons that are still open, most fall of the half width a rank-second first, counted in the column's
/// margins; those without a range come before all others, those of columns without a margin after them, dearer ones
/// last. Only widths decide the order, never on which side of 0 a difference lies;
/// what is clear at 99.9 % is left out.
std::vector<MoreSeeds> more_seeds(const ReportModel& model, const Grid& grid, const Plan& plan);

/// As `plan --more` prints it.
std::string more_seeds_text(const std::vector<MoreSeeds>& all);

}  // namespace peftgrid::orchestrator
