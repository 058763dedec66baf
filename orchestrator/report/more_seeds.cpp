#include "orchestrator/report/more_seeds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "orchestrator/report/format.hpp"
#include "orchestrator/schedule/show_plan.hpp"

namespace peftgrid::orchestrator {
namespace {

/// Predicted rank-seconds of one trial of this cell; nothing where the grid has no such cell.
std::optional<double> cost_of(const Grid& grid, const Plan& plan, const ScoreTable& table, const std::string& task,
                              const std::string& label) {
  for (const Cell& cell : grid.cells) {
    if (cell.backbone != table.backbone || cell.train_size != table.train_size || cell.task != task) continue;
    if (cell.label != label || cell.trials.empty()) continue;
    const std::size_t trial = cell.trials.front();
    return plan.seconds[trial] * static_cast<double>(std::max<std::int64_t>(1, grid.trials[trial].width));
  }
  return std::nullopt;
}

std::size_t shared_seeds(const ScoreCell& one, const ScoreCell& other) {
  return static_cast<std::size_t>(
      std::ranges::count_if(one.scores, [&](const auto& seed) { return other.scores.contains(seed.first); }));
}

/// Fall of the half width in margins, a rank-second; more than any where there is no range yet, less where there is no
/// margin.
double worth_of(const MoreSeeds& one) {
  const double rank_s = std::max(one.rank_s, 1e-6);
  if (!one.half_width) return 1e12 / rank_s;
  if (one.margin == 0) return 1e-12 / rank_s;
  return (*one.half_width - *one.with_one_more) / one.margin / rank_s;
}

void add_column(const ScoreTable& table, std::size_t index, const Grid& grid, const Plan& plan,
                std::vector<MoreSeeds>& all) {
  const ScoreColumn& column = table.columns[index];
  const std::string& task = column.task;
  const auto baseline = std::ranges::find(table.rows, table.rules.baseline, &MethodRow::label);
  if (baseline == table.rows.end()) return;
  const auto of_baseline = cost_of(grid, plan, table, task, baseline->label);
  for (const MethodRow& row : table.rows) {
    const auto cost = cost_of(grid, plan, table, task, row.label);
    if (&row == &*baseline || !row.compared || !cost || !of_baseline) continue;
    MoreSeeds more{table.backbone,     task,         row.label, table.train_size, 0, {}, {}, *cost + *of_baseline,
                   column.differences, column.margin};
    more.seeds = shared_seeds(row.cells[index], baseline->cells[index]);
    if (const auto& against = row.cells[index].verdict.against) {
      if (is_clear(against->comparison)) continue;
      more.half_width = joint_half_width(against->comparison, more.seeds);
      more.with_one_more = joint_half_width(against->comparison, more.seeds + 1);
    }
    all.push_back(std::move(more));
  }
}

}  // namespace

std::vector<MoreSeeds> more_seeds(const ReportModel& model, const Grid& grid, const Plan& plan) {
  std::vector<MoreSeeds> all;
  for (const ScoreTable& table : model.tables) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].main && !table.rules.baseline.empty()) add_column(table, i, grid, plan, all);
    }
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, worth_of);
  return all;
}

std::string more_seeds_text(const std::vector<MoreSeeds>& all) {
  if (all.empty())
    return "No comparison of this grid is open: each is clear at 99.9 %, or there is nothing to compare.\n";
  std::vector<std::vector<std::string>> rows = {
      {"backbone", "task", "method", ">size", ">seeds", ">range now", ">with one more", ">rank-seconds"}};
  const auto range = [](const Scale& scale, const std::optional<double>& half) {
    return half ? "± " + scale.about(*half) : std::string("–");
  };
  for (const MoreSeeds& one : all) {
    rows.push_back({one.backbone, one.task, one.method, one.train_size == 0 ? "all" : std::to_string(one.train_size),
                    std::to_string(one.seeds), range(one.scale, one.half_width), range(one.scale, one.with_one_more),
                    fmt::format("{:.1f}", one.rank_s)});
  }
  std::ostringstream text;
  text << "One more seed: what it would tell of a difference to the baseline, most a rank-second first\n";
  show_table(text, rows);
  text << "Ranges hold together for all methods of a task; both the method's and the baseline's trial are counted. "
          "What is clear at\n99.9 % is left out. Ask for it with one number more in `seeds`.\n";
  return text.str();
}

}  // namespace peftgrid::orchestrator
