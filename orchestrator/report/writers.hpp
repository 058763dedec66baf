#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"
#include "orchestrator/report/plots.hpp"

/// The same report in each format. Same model, same bytes.
namespace peftgrid::orchestrator {

std::string markdown(const ReportModel& model, const std::vector<Plot>& plots);
/// One self-contained page: no script, nothing fetched.
std::string html(const ReportModel& model, const std::vector<Plot>& plots);
/// Tables for \input; needs the packages booktabs and graphicx.
std::string latex(const ReportModel& model);
/// One line a cell and column; scores as they are, not times 100.
std::string cells_csv(const ReportModel& model);
/// One line a trial.
std::string trials_csv(const ReportModel& model);
/// Plain text of at most 100 columns: score tables with majority row and sentence, for the end of a run.
std::string terminal_table(const ReportModel& model);

}  // namespace peftgrid::orchestrator
