#include "orchestrator/run/run_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <sstream>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/output.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace po = boost::program_options;
using worker::UsageError;

po::options_description table(RunOptions& o, bool& help) {
  po::options_description all("mpirun -np N orchestrator --grid FILE: run a grid, or go on with it");
  auto add = all.add_options();
  add("grid", po::value(&o.grid), "the grid file");
  add("out", po::value(&o.out), "run folder, default runs/<run>");
  add("set", po::value(&o.overrides.set), "key=value: override a key of the grid; may be repeated");
  add("only", po::value(&o.overrides.only), "method=..,task=..,backbone=..,size=..,seed=..: only these trials");
  add("shard", po::value(&o.shard),
      "I/N: only the trials of shard I of N, from 1; each has a run folder of its own, default "
      "runs/<run>/shard-I-of-N");
  add("checkpoint-every", po::value(&o.checkpoint_every_s)->default_value(180),
      "seconds after which a trial in hand writes down where it stands");
  add("on-storage-trouble", po::value(&o.on_storage_trouble)->default_value("wait"),
      "where the disk is full, read-only or away: wait until it works again, with what is finished in memory, or stop");
  add("retry-failed", po::bool_switch(&o.retry_failed), "run failed trials again, whatever made them fail");
  add("device", po::value(&o.overrides.device)->default_value("cpu"),
      "cpu or cuda: where trials train, one CUDA device a rank; part of a trial's id");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("collectives", po::value(&o.collectives)->default_value("auto"),
      "auto, nccl or mpi: what adds gradients where ranks share a trial");
  add("progress", po::value(&o.progress)->default_value("auto"), "auto, live or plain");
  add("order", po::value(&o.order)->default_value("longest"),
      "longest (first), grid, or shuffled: the results are the same");
  add("exit-code-file", po::value(&o.exit_code_file),
      "a file for the run's own exit code at its end: launchers have codes of their own");
  add("quiet", po::bool_switch(&o.quiet), "print failures and the final table only");
  add("verbose", po::bool_switch(&o.verbose), "print warnings of the grid, too");
  add("help", po::bool_switch(&help), "this text");
  return all;
}

void one_of(const std::string& option, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw UsageError(fmt::format("run: --{} {} is none of {}", option, value, fmt::join(known, ", ")));
}

}  // namespace

std::optional<RunOptions> parse_run_options(const std::vector<std::string>& arguments) {
  RunOptions options;
  bool help = false;
  const po::options_description shown = table(options, help);
  po::options_description all;
  all.add(shown).add_options()("word", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("word", -1);
  std::vector<std::filesystem::path> words;
  try {
    po::variables_map values;
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(positions).style(style).run(), values);
    po::notify(values);
    if (values.count("word") != 0) {
      for (const auto& word : values["word"].as<std::vector<std::string>>()) words.emplace_back(word);
    }
  } catch (const po::error& error) {
    throw UsageError(fmt::format("run: {}; `orchestrator run --help` lists the options", error.what()));
  }
  if (help) {
    std::ostringstream text;
    text << shown;
    say("{}", text.str());
    return std::nullopt;
  }
  settle_grid("run", words, options.grid);
  check_threads("run", options.overrides.threads);
  check_device("run", options.overrides.device);
  if (!(options.checkpoint_every_s > 0)) throw UsageError("run: --checkpoint-every must be above 0 seconds");
  one_of("collectives", options.collectives, {"auto", "nccl", "mpi"});
  one_of("on-storage-trouble", options.on_storage_trouble, {"wait", "stop"});
  one_of("progress", options.progress, {"auto", "live", "plain"});
  one_of("order", options.order, {"longest", "grid", "shuffled"});
  return options;
}

}  // namespace peftgrid::orchestrator
