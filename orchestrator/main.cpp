#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/errors.hpp"
#include "collectives/cuda_device.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/version.hpp"
#include "worker/errors.hpp"
#include "worker/worker.hpp"

namespace {

using peftgrid::orchestrator::Arguments;
using peftgrid::worker::ProductSpeed;

struct Command {
  std::string_view name;
  int (*run)(const Arguments&);
  std::string_view meaning;
};

std::optional<ProductSpeed> measured_products(bool bf16, std::int64_t threads, const std::string& device) {
  peftgrid::worker::prepare_process(static_cast<int>(threads));
  if (device == "cuda") {
    if (peftgrid::collectives::visible_cuda_devices() == 0) return std::nullopt;
    peftgrid::worker::open_cuda();
  }
  return peftgrid::worker::measured_products(bf16, device);
}

int plan(const Arguments& arguments) {
  return peftgrid::orchestrator::plan_command(arguments, measured_products);
}

constexpr std::array kCommands{
    Command{"run", peftgrid::orchestrator::run_command,
            "run a grid, or go on with it (also without the word: --grid F)"},
    Command{"plan", plan, "what would run, in which order, how long; disk and memory"},
    Command{"status", peftgrid::orchestrator::status_command, "done, running, failed, time left"},
    Command{"merge", peftgrid::orchestrator::merge_command, "many trial files to one"},
    Command{"report", peftgrid::orchestrator::report_command, "tables and plots: Markdown, CSV, LaTeX, HTML"},
    Command{"compare", peftgrid::orchestrator::compare_command, "are all trials of two runs identical?"},
    Command{"check", peftgrid::orchestrator::check_command, "verify every file of a run"},
    Command{"submit", peftgrid::orchestrator::submit_command, "run a grid on a Slurm cluster"},
};

void print_help() {
  fmt::print(
      "orchestrator: full fine-tuning or a parameter-efficient method? One grid, many ranks, one report.\n\n"
      "  mpirun -np 4 orchestrator --grid glue.yaml\n\nCommands (each takes --help):\n");
  for (const Command& command : kCommands) fmt::print("  {:<8} {}\n", command.name, command.meaning);
  fmt::print("  --version, --help\n");
}

std::string known_commands() {
  std::string names;
  for (const Command& command : kCommands) names += (names.empty() ? "" : ", ") + std::string(command.name);
  return names;
}

int dispatch(Arguments arguments) {
  const std::string first = arguments.empty() ? "--help" : arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return print_help(), 0;
  if (first == "--version") return fmt::print("{}\n", peftgrid::orchestrator::version_text()), 0;
  if (first.starts_with("-")) return peftgrid::orchestrator::run_command(arguments);
  const auto command =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == first; });
  if (command == kCommands.end()) {
    throw peftgrid::worker::UsageError(fmt::format(
        "there is no command '{}'; the commands are {}; a grid is run with --grid FILE", first, known_commands()));
  }
  arguments.erase(arguments.begin());
  return command->run(arguments);
}

int exit_code_of(const Arguments& arguments) {
  try {
    return dispatch(arguments);
  } catch (const peftgrid::worker::UsageError& error) {
    fmt::print(stderr, "orchestrator: {}\n", error.what());
    return 2;
  } catch (const peftgrid::checkpoint::FileError& error) {
    fmt::print(stderr, "orchestrator: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "orchestrator: internal error: {}\n", error.what());
    return 1;
  }
}

}  // namespace

int main(int count, char** values) {
  const int code = exit_code_of(Arguments(values + 1, values + count));
  // LibTorch would spend a fifth of a start's time on forgetting its operators one by one.
  std::fflush(nullptr);
  std::_Exit(code);
}
