#include "slurm/partition.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "slurm/digits.hpp"
#include "slurm/subprocess.hpp"
#include "slurm/time_limit.hpp"

namespace peftgrid::slurm {

namespace {

constexpr double kConfigurationAnswer_s = 10;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::string field;
  for (std::istringstream in(line); std::getline(in, field, '|');) fields.push_back(field);
  return fields;
}

/// A line of sinfo's. `starred`: it is the default partition.
std::optional<Partition> parse_line(const std::string& line, bool& starred) {
  const auto fields = fields_of(line);
  if (fields.size() != 5) return std::nullopt;
  const auto sockets = parse_digits(fields[1]), cores = parse_digits(fields[2]);
  if (!sockets || !cores) return std::nullopt;
  Partition found{fields[0], *sockets * *cores, gpus_in(fields[4]), parse_time_limit(fields[3]).value_or(kUnlimited_s)};
  starred = found.name.ends_with('*');
  if (starred) found.name.pop_back();
  return found;
}

}  // namespace

std::int64_t gpus_in(std::string_view resources) {
  std::int64_t gpus = 0;
  while (!resources.empty()) {
    const std::size_t end = std::min(resources.find(','), resources.size());
    std::string_view one = resources.substr(0, end);
    resources.remove_prefix(std::min(end + 1, resources.size()));
    one = one.substr(0, one.find('('));
    if (one == "gpu" || one.starts_with("gpu:")) gpus += parse_digits(one.substr(one.rfind(':') + 1)).value_or(1);
  }
  return gpus;
}

std::optional<Partition> parse_partition(const std::string& text, const std::string& named) {
  std::optional<Partition> all;
  std::string line;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    bool starred = false;
    const auto one = parse_line(line, starred);
    if (!one || (named.empty() && !starred)) continue;
    if (!all) {
      all = one;
      continue;
    }
    all->cores = std::min(all->cores, one->cores);
    all->gpus = std::min(all->gpus, one->gpus);
    all->most_s = std::max(all->most_s, one->most_s);
    if (!named.empty()) all->name = named;
  }
  return all;
}

std::optional<Partition> find_partition(const std::string& named) {
  std::vector<std::string> words = {"sinfo", "--noheader", "--exact", "--format=%P|%X|%Y|%l|%G"};
  if (!named.empty()) words.push_back("--partition=" + named);
  const auto text = answer_of(words, kConfigurationAnswer_s);
  return text ? parse_partition(*text, named) : std::nullopt;
}

std::optional<std::int64_t> most_array_tasks() {
  const auto text = answer_of({"scontrol", "show", "config"}, kConfigurationAnswer_s);
  if (!text) return std::nullopt;
  std::string line;
  for (std::istringstream lines(*text); std::getline(lines, line);) {
    if (!line.starts_with("MaxArraySize")) continue;
    const auto size = parse_digits(line.substr(line.find_last_of(" =") + 1));
    if (size) return std::max<std::int64_t>(0, *size - 1);
  }
  return std::nullopt;
}

}  // namespace peftgrid::slurm
