#pragma once

#include <boost/program_options.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/commands/commands.hpp"

namespace peftgrid::orchestrator {

/// A command whose options are `options` and whose other words are paths.
struct CommandLine {
  const char* usage;    // "orchestrator merge A [B...] --out FILE"
  const char* meaning;  // one line
  boost::program_options::options_description options;
};

struct ParsedLine {
  boost::program_options::variables_map values;
  std::vector<std::filesystem::path> paths;
};

/// Adds --help and parses, without guessing at shortened names. Nothing when help was asked for, which is then printed.
/// Throws worker::UsageError.
std::optional<ParsedLine> parse_line(CommandLine line, const Arguments& arguments);

/// What to answer to a first word that is no command: the nearest one, or how a grid is run.
std::string unknown_command(const std::string& word, const std::vector<std::string>& commands);

/// The grid file: `--grid FILE`, or the one word that is no option. Throws worker::UsageError where there is none, or
/// more than one.
void settle_grid(const std::string& command, const std::vector<std::filesystem::path>& words, std::string& grid);

/// Throws worker::UsageError for a number of threads that no rank can have.
void check_threads(const std::string& command, std::int64_t threads);
/// Throws worker::UsageError for a kind of device that is neither cpu nor cuda.
void check_device(const std::string& command, const std::string& device);

}  // namespace peftgrid::orchestrator
