#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/report/write_report.hpp"
#include "orchestrator/report/writers.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace po = boost::program_options;

constexpr const char* kUsage = "orchestrator report A [B...] [--out DIR] [--baseline NAME] [--margin POINTS]";

namespace {

struct ReportCommandOptions {
  std::string out;
  double margin = 0;  // 0: not said
  ReportOptions report;
  bool quiet = false;
};

CommandLine report_line(ReportCommandOptions& o) {
  CommandLine line{kUsage, "Tables and plots of run folders, trial files and merged files: Markdown, CSV, LaTeX, HTML.",
                   po::options_description("options")};
  auto add = line.options.add_options();
  add("out", po::value(&o.out), "the folder to write to; default for one run folder: its report/");
  add("baseline", po::value(&o.report.baseline),
      "the method that others are compared with; default: the grid's `compare`, else full fine-tuning, else the first");
  add("margin", po::value(&o.margin), "points below which a difference does not matter; default: the grid's, 1");
  add("all-metrics", po::bool_switch(&o.report.all_metrics),
      "tables of the tasks' other metrics too; cells.csv always has them");
  add("quiet", po::bool_switch(&o.quiet), "do not print the tables");
  return line;
}

std::filesystem::path report_folder(const ReportCommandOptions& o, const ParsedLine& line) {
  if (!o.out.empty()) return o.out;
  if (line.paths.size() == 1 && std::filesystem::is_directory(RunFolder{line.paths[0]}.trials()))
    return RunFolder{line.paths[0]}.report();
  for (const std::filesystem::path& path : line.paths) {
    if (!std::filesystem::exists(path)) throw worker::UsageError(path.string() + ": there is no such file or folder");
  }
  throw worker::UsageError("only one run folder has a report folder of its own; say where with --out DIR");
}

}  // namespace

int report_command(const Arguments& arguments) {
  ReportCommandOptions options;
  const auto line = parse_line(report_line(options), arguments);
  if (!line) return 0;
  if (line->paths.empty()) throw worker::UsageError(std::string("nothing to report on; right is: ") + kUsage);
  if (line->values.count("margin") != 0) {
    if (!(options.margin > 0 && options.margin <= 100))
      throw worker::UsageError("--margin is in points, above 0 and up to 100; 1 would be right");
    options.report.margin = options.margin;
  }
  const std::filesystem::path out = report_folder(options, *line);
  ReportModel model = build_report(line->paths, options.report);
  if (!options.quiet) say("{}\n", terminal_table(model));
  say("{}\n", worker::shown(write_model(std::move(model), out).string()));
  return 0;
}

}  // namespace peftgrid::orchestrator
