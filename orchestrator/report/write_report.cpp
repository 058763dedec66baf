#include "orchestrator/report/write_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/report/plots.hpp"
#include "orchestrator/report/writers.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

constexpr std::array kKinds = {"forest-", "size-", "difference-", "parameters-", "learning-", "loss-"};

fs::path pdf_file(const Plot& plot) {
  return fs::path(plot.file).replace_extension(".pdf");
}

/// Drawings of an earlier report whose task or backbone is no longer in it would tell of a grid that is gone.
void remove_old_plots(const fs::path& folder, const std::vector<Plot>& plots) {
  std::set<std::string> current;
  for (const Plot& plot : plots) {
    current.insert(fs::path(plot.file).filename().string());
    if (!plot.pdf.empty()) current.insert(pdf_file(plot).filename().string());
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto is_kind = [&](const char* kind) { return name.starts_with(kind); };
    const bool ours = std::ranges::any_of(kKinds, is_kind) && (name.ends_with(".svg") || name.ends_with(".pdf"));
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
    if (!trouble.empty()) {
      complain("{}\n", trouble);
      model.remarks.push_back(trouble);
    }
    for (const Plot& plot : plots) {
      checkpoint::publish_bytes_replacing(plot.svg, out / plot.file);
      if (!plot.pdf.empty()) checkpoint::publish_bytes_replacing(plot.pdf, out / pdf_file(plot));
    }
    remove_old_plots(out / "plots", plots);
    checkpoint::publish_bytes_replacing(markdown(model, plots), out / "report.md");
    checkpoint::publish_bytes_replacing(cells_csv(model), out / "cells.csv");
    checkpoint::publish_bytes_replacing(trials_csv(model), out / "trials.csv");
    checkpoint::publish_bytes_replacing(latex(model), out / "table.tex");
    checkpoint::publish_bytes_replacing(html(model, plots), out / "index.html");
  } catch (const fs::filesystem_error& error) {
    throw checkpoint::FileError(
        fmt::format("{}: the report cannot be written there ({}); name another folder with --out",
                    error.path1().string(), error.code().message()));
  }
  return out / "index.html";
}

fs::path write_report(const std::vector<fs::path>& sources, const fs::path& out) {
  return write_model(build_report(sources), out);
}

}  // namespace peftgrid::orchestrator
