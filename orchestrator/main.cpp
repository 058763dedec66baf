#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/errors.hpp"
#include "checkpoint/mapped_file.hpp"
#include "collectives/cuda_device.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/version.hpp"
#include "worker/errors.hpp"
#include "worker/service/worker.hpp"
#include "worker/text.hpp"

namespace {

using peftgrid::orchestrator::Arguments;
using peftgrid::orchestrator::complain;
using peftgrid::orchestrator::flush_output;
using peftgrid::orchestrator::say;
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
  say("orchestrator: full fine-tuning or a parameter-efficient method? One grid, many ranks, one report.\n\n"
      "  mpirun -np 4 orchestrator --grid glue.yaml\n\nCommands (each takes --help):\n");
  for (const Command& command : kCommands) say("  {:<8} {}\n", command.name, command.meaning);
  say("  --version, --help\n");
}

std::vector<std::string> names_of_commands() {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

bool asks_for_help(const std::string& first) {
  return first == "--help" || first == "-h" || first == "help";
}

/// Also without the word: what begins with an option.
bool is_run(const std::string& first) {
  return first == "run" || (first.starts_with("-") && !asks_for_help(first) && first != "--version");
}

int dispatch(Arguments arguments) {
  const std::string first = arguments.empty() ? "--help" : arguments.front();
  if (asks_for_help(first)) return print_help(), 0;
  if (first == "--version") return say("{}\n", peftgrid::orchestrator::version_text()), 0;
  if (first.starts_with("-")) return peftgrid::orchestrator::run_command(arguments);
  const auto command =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == first; });
  if (command == kCommands.end()) {
    throw peftgrid::worker::UsageError(peftgrid::orchestrator::unknown_command(first, names_of_commands()));
  }
  arguments.erase(arguments.begin());
  return command->run(arguments);
}

int exit_code_of(const Arguments& arguments) {
  using peftgrid::worker::shown;
  try {
    return dispatch(arguments);
  } catch (const peftgrid::worker::UsageError& error) {
    complain("orchestrator: {}\n", shown(error.what()));
    return 2;
  } catch (const peftgrid::checkpoint::FileError& error) {
    complain("orchestrator: {}\n", shown(error.what()));
    return 2;
  } catch (const std::filesystem::filesystem_error& error) {
    complain("orchestrator: {}: {}\n", shown(error.path1().string()), error.code().message());
    return 2;
  } catch (const std::bad_alloc&) {
    peftgrid::orchestrator::say_out_of_memory();
    return 4;
  } catch (const std::exception& error) {
    complain("orchestrator: internal error: {}\n", shown(error.what()));
    return 1;
  }
}

/// Where an exception leaves a thread nobody is left to catch it; at least it is said.
[[noreturn]] void end_by_exception() {
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    peftgrid::orchestrator::say_out_of_memory();
  } catch (const std::exception& error) {
    complain("orchestrator: internal error: {}\n", peftgrid::worker::shown(error.what()));
  } catch (...) {
  }
  std::_Exit(4);
}

/// A command whose answer is lost has not done what it was asked for; a run has.
int code_of_lost_answer(const Arguments& arguments, int code) {
  const int why = peftgrid::orchestrator::lost_output();
  if (why == 0) return code;
  complain("orchestrator: what was to be printed could not be written: {}\n",
           peftgrid::checkpoint::system_message(why));
  return code != 0 || (!arguments.empty() && is_run(arguments.front())) ? code : 1;
}

}  // namespace

int main(int count, char** values) {
  peftgrid::orchestrator::keep_standard_streams();
  peftgrid::checkpoint::survive_torn_mappings();
  std::set_terminate(end_by_exception);
  const Arguments arguments(values + 1, values + count);
  const int code = exit_code_of(arguments);
  flush_output();
  const int told = code_of_lost_answer(arguments, code);
  // LibTorch would spend a fifth of a start's time on forgetting its operators one by one.
  std::fflush(nullptr);
  std::_Exit(told);
}
