#include "orchestrator/commands/command_line.hpp"

#include <fmt/format.h>

#include <sstream>

#include "orchestrator/output.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace po = boost::program_options;

namespace {

/// `--out=~/runs`: shells expand what stands behind a blank alone.
std::string with_home(std::string argument) {
  const std::size_t sign = argument.find('=');
  const char* home = std::getenv("HOME");
  if (home != nullptr && argument.starts_with("--") && sign != std::string::npos &&
      argument.compare(sign + 1, 2, "~/") == 0 && !argument.starts_with("--set")) {
    argument.replace(sign + 1, 1, home);
  }
  return argument;
}

}  // namespace

std::optional<ParsedLine> parse_line(CommandLine line, const Arguments& arguments) {
  line.options.add_options()("help,h", "this text");
  po::options_description all;
  all.add(line.options).add_options()("path", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("path", -1);
  ParsedLine parsed;
  Arguments given = arguments;
  for (std::string& argument : given) argument = with_home(std::move(argument));
  try {
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(given).options(all).positional(positions).style(style).run(), parsed.values);
    po::notify(parsed.values);
  } catch (const po::error& error) {
    throw worker::UsageError(fmt::format("{}; right is: {}", error.what(), line.usage));
  }
  if (parsed.values.count("help") != 0) {
    std::ostringstream table;
    table << line.options;
    say("{}\n\n  {}\n\n{}", line.meaning, line.usage, table.str());
    return std::nullopt;
  }
  if (parsed.values.count("path") != 0) {
    for (const auto& path : parsed.values["path"].as<std::vector<std::string>>()) parsed.paths.emplace_back(path);
  }
  return parsed;
}

std::string unknown_command(const std::string& word, const std::vector<std::string>& commands) {
  const std::string there_is_none = "there is no command " + worker::in_quotes(word) + "; ";
  if (word.ends_with(".yaml") || word.ends_with(".yml")) {
    return there_is_none + "a grid is run with: orchestrator run " + word;
  }
  const std::string near = worker::nearest_name(word, commands);
  const std::string hint = near.empty() ? "the" : "did you mean " + worker::in_quotes(near) + "? The";
  return there_is_none + hint + " commands are " + worker::joined(commands) + "; a grid is run with --grid FILE";
}

void settle_grid(const std::string& command, const std::vector<std::filesystem::path>& words, std::string& grid) {
  if (grid.empty() && words.empty()) {
    throw worker::UsageError(fmt::format("{}: --grid is missing; name the grid file", command));
  }
  const std::size_t first = grid.empty() ? 1 : 0;
  if (words.size() > first) {
    throw worker::UsageError(fmt::format("{}: {} is no option, and the grid is {} already", command,
                                         worker::in_quotes(words[first].string()),
                                         worker::in_quotes(grid.empty() ? words[0].string() : grid)));
  }
  if (grid.empty()) grid = words[0].string();
}

void check_threads(const std::string& command, std::int64_t threads) {
  constexpr std::int64_t kMostThreads = 512;
  if (threads >= 1 && threads <= kMostThreads) return;
  throw worker::UsageError(fmt::format("{}: --threads is {}; 1 to {} would be right, seldom more than a node's cores",
                                       command, threads, kMostThreads));
}

void check_device(const std::string& command, const std::string& device) {
  if (device == "cpu" || device == "cuda") return;
  throw worker::UsageError(
      fmt::format("{}: --device is {}; cpu or cuda would be right", command, worker::in_quotes(device)));
}

}  // namespace peftgrid::orchestrator
