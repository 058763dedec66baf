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

int report_command(const Arguments& arguments) {
  const std::string usage = "orchestrator report A [B...] [--out DIR] [--baseline NAME] [--margin POINTS]";
  CommandLine line{
      usage.c_str(), "Tables and plots of run folders, trial files and merged files: Markdown, CSV, LaTeX, HTML.", {}};
  line.options.add_options()("out", po::value<std::string>(),
                             "the folder to write to; default for one run folder: its report/")(
      "baseline", po::value<std::string>()->default_value(""),
      "the method that the others are compared with; default: the grid's `compare`, full fine-tuning, the first "
      "method")("margin", po::value<double>(),
                "points below which a difference does not matter; default: the grid's, 1")("quiet", po::bool_switch(),
                                                                                           "do not print the tables");
  const auto parsed = parse_line(std::move(line), arguments);
  if (!parsed) return 0;
  if (parsed->paths.empty()) throw worker::UsageError("nothing to report on; right is: " + usage);

  std::filesystem::path out;
  if (parsed->values.count("out") != 0) {
    out = parsed->values["out"].as<std::string>();
  } else if (parsed->paths.size() == 1 && std::filesystem::is_directory(RunFolder{parsed->paths[0]}.trials())) {
    out = RunFolder{parsed->paths[0]}.report();
  } else {
    throw worker::UsageError("only one run folder has a report folder of its own; say where with --out DIR");
  }
  ReportOptions options{parsed->values["baseline"].as<std::string>(), {}};
  if (parsed->values.count("margin") != 0) options.margin = parsed->values["margin"].as<double>();
  if (options.margin && !(*options.margin > 0 && *options.margin <= 100))
    throw worker::UsageError("--margin is in points, above 0 and up to 100; 1 would be right");
  ReportModel model = build_report(parsed->paths, options);
  if (!parsed->values["quiet"].as<bool>()) say("{}\n", terminal_table(model));
  say("{}\n", worker::shown(write_model(std::move(model), out).string()));
  return 0;
}

}  // namespace peftgrid::orchestrator
