#include "orchestrator/report/failures.hpp"

#include <fmt/format.h>

#include <cmath>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

/// "diverged", "predicts one class", "diverged or predicts one class".
std::string how(const ScoreCell& cell, const ScoreColumn& column) {
  std::vector<std::string> ways;
  if (cell.diverged > 0) ways.emplace_back("diverged");
  if (cell.undefined > 0) ways.emplace_back("has no defined score");
  if (cell.unmoved > 0) ways.emplace_back("trained nothing");
  if (cell.collapsed > 0)
    ways.emplace_back(column.in_logs      ? "is worse than a guess among all tokens"
                      : column.regression ? "predicts one value"
                                          : "predicts one class");
  return listed(ways, "or");
}

}  // namespace

std::string failures_clause(const ScoreTable& table, std::size_t column) {
  std::string text;
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    if (cell.failures() == 0) continue;
    const std::string reason = how(cell, table.columns[column]);
    if (!cell.worked()) {
      text +=
          fmt::format(" {} is not compared: it {} in {} of {} seeds.", row.label, reason, cell.failures(), cell.runs());
      continue;
    }
    const Interval rate = share_interval(cell.failures(), cell.runs());
    text += fmt::format(" {} {} in {} of {} seeds (true rate {:.0f} to {:.0f} %); its {} is {}.", row.label, reason,
                        cell.failures(), cell.runs(), 100 * rate.low, 100 * rate.high,
                        table.columns[column].scale.mean(cell.summary.mean),
                        cell.scores.size() == 1 ? "that of the one that worked"
                                                : "the mean of the " + in_words(cell.scores.size()) + " that worked");
  }
  return text;
}

}  // namespace peftgrid::orchestrator
