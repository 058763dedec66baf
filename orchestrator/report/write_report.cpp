#include "orchestrator/report/write_report.hpp"

#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "orchestrator/report/plots.hpp"
#include "orchestrator/report/writers.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& file, const std::string& text) {
  const fs::path draft = checkpoint::draft_beside(file);
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) {
    std::error_code ignored;
    fs::remove(draft, ignored);
    throw checkpoint::FileError("cannot write " + file.string() + ": is the folder writable and the disk not full?");
  }
  checkpoint::publish_replacing(draft, file);
}

/// Drawings of an earlier report whose task or backbone is no longer in it would tell of a grid that is gone.
void remove_old_plots(const fs::path& folder, const std::vector<Plot>& plots) {
  std::set<std::string> current;
  for (const Plot& plot : plots) current.insert(fs::path(plot.file).filename().string());
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool ours = (name.starts_with("size-") || name.starts_with("parameters-")) && name.ends_with(".svg");
    if (ours && !current.contains(name)) fs::remove(entry.path(), ignored);
  }
}

std::string draw(std::vector<Plot>& plots, const fs::path& out) {
  const fs::path scratch = checkpoint::draft_beside(out / "plots");
  fs::create_directories(scratch);
  std::string trouble = draw_plots(plots, scratch);
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  return trouble;
}

}  // namespace

fs::path write_model(ReportModel model, const fs::path& out) {
  try {
    fs::create_directories(out / "plots");
    std::vector<Plot> plots = plan_plots(model);
    const std::string trouble = draw(plots, out);
    if (!trouble.empty()) model.remarks.push_back(trouble);
    for (const Plot& plot : plots) write_file(out / plot.file, plot.svg);
    remove_old_plots(out / "plots", plots);
    write_file(out / "report.md", markdown(model, plots));
    write_file(out / "cells.csv", cells_csv(model));
    write_file(out / "trials.csv", trials_csv(model));
    write_file(out / "table.tex", latex(model));
    write_file(out / "index.html", html(model, plots));
  } catch (const fs::filesystem_error& error) {
    throw checkpoint::FileError(std::string("cannot write the report: ") + error.what());
  }
  return out / "index.html";
}

fs::path write_report(const std::vector<fs::path>& sources, const fs::path& out) {
  return write_model(build_report(sources), out);
}

}  // namespace peftgrid::orchestrator
