#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// One drawing: a script for gnuplot, and what gnuplot made of it.
struct Plot {
  std::string file;     // "plots/size-minilm-sst2.svg", below the report's folder
  std::string caption;  // for those who cannot see it too
  std::string script;   // draws to standard output
  std::string svg;      // empty until drawn
};

/// Score against training size (where there are two sizes or more) and against trained parameters, for each backbone
/// and task, as scripts. Numbers go into the scripts as data, names only as quoted, escaped titles.
std::vector<Plot> plan_plots(const ReportModel& model);

/// Runs gnuplot once for all plots and fills in the drawings; the same scripts give the same bytes. Returns what to
/// tell the reader when gnuplot is missing or fails; then `plots` is empty.
std::string draw_plots(std::vector<Plot>& plots, const std::filesystem::path& scratch);

}  // namespace peftgrid::orchestrator
