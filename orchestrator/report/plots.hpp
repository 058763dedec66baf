#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// One drawing: a script for gnuplot, and what gnuplot made of it, for a page and for a paper.
struct Plot {
  std::string file;     // "plots/size-minilm-sst2.svg", below the report's folder
  std::string caption;  // for those who cannot see it too
  std::string script;   // draws to standard output
  std::string svg;      // empty until drawn
  std::string pdf;      // likewise, and where gnuplot makes no PDF; its file ends in .pdf
  int height = 480;     // the width is always the same
};

/// For each table its differences to the baseline; for each backbone and task scores and differences against training
/// size (where there are two sizes or more) and scores against trained parameters; for the first tables learning
/// curves. A method with one seed has a hollow dot and no bar.
std::vector<Plot> plan_plots(const ReportModel& model);
/// A table's differences to its baseline, without files yet: one drawing of all that is in points, one of each error.
std::vector<Plot> forest_plots(const ScoreTable& table);

/// Runs gnuplot for all plots and fills in the drawings; the same scripts give the same bytes. Returns what to tell the
/// reader when gnuplot is missing or fails, and `plots` is empty then; or when it makes no PDF.
std::string draw_plots(std::vector<Plot>& plots, const std::filesystem::path& scratch);

}  // namespace peftgrid::orchestrator
