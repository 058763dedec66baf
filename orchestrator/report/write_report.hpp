#pragma once

#include <filesystem>
#include <vector>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Writes index.html, report.md, cells.csv, trials.csv, table.tex and plots/*.svg into `out`, each published in one
/// step over an older one. The same trials give the same bytes. Returns the path of index.html. Throws FileError.
std::filesystem::path write_model(ReportModel model, const std::filesystem::path& out);
std::filesystem::path write_report(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& out);

}  // namespace peftgrid::orchestrator
