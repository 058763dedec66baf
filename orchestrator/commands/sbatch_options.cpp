#include "orchestrator/commands/sbatch_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::UsageError;

/// What the script says itself, or what would leave it without a job.
constexpr std::array<std::string_view, 19> kOwn = {
    "cpus-per-gpu", "cpus-per-task",   "error",     "help",   "input",   "job-name", "no-requeue",
    "ntasks",       "ntasks-per-node", "open-mode", "output", "requeue", "parsable", "signal",
    "test-only",    "usage",           "version",   "wait",   "wrap"};
/// What `submit` has an option for.
constexpr std::array<std::string_view, 11> kOfSubmit = {
    "account", "array", "constraint", "gres", "mail-type", "mail-user", "mem", "nodes", "partition", "qos", "time"};

/// sbatch takes names that are cut short.
bool means_one_of(std::string_view name, const auto& known) {
  return std::ranges::any_of(known, [&](std::string_view one) { return one.starts_with(name); });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

std::pair<std::string, std::string> parse_one(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name =
      text.starts_with("--") ? text.substr(2, equals == std::string::npos ? equals : equals - 2) : "";
  const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (!is_name(name) || (equals != std::string::npos && value.empty())) {
    throw UsageError(
        fmt::format("submit: --sbatch {} is no option of sbatch's; one like --exclude=node7 or --exclusive "
                    "would be right",
                    worker::in_quotes(text)));
  }
  if (means_one_of(name, kOfSubmit)) {
    throw UsageError(
        fmt::format("submit: --sbatch --{}: submit has that option itself; name it without --sbatch", name));
  }
  if (means_one_of(name, kOwn)) {
    throw UsageError(
        fmt::format("submit: --sbatch --{}: the script that submit writes sets that itself; leave it out", name));
  }
  return {name, value};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_sbatch_options(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> options;
  for (const std::string& text : texts) options.push_back(parse_one(text));
  return options;
}

}  // namespace peftgrid::orchestrator
