#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "checkpoint/merge.hpp"
#include "checkpoint/same_numbers.hpp"
#include "checkpoint/shallow_json.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace po = boost::program_options;
using checkpoint::Collection;
using worker::shown;

constexpr std::size_t kMostListed = 20;  // trials; the counts say how many there are in all
constexpr std::size_t kMostFields = 6;   // of one trial

/// "3f...: lora on sst2, 100 rows, seed 2".
std::string description(const checkpoint::TrialRecord& record) {
  try {
    const worker::TrialSpec spec = worker::trial_from_json(record.spec);
    return fmt::format("{}: {} on {}, {} rows, seed {}", record.id, shown(spec.label), shown(spec.task.name),
                       spec.train_size == 0 ? "all" : std::to_string(spec.train_size), spec.seed);
  } catch (const std::runtime_error&) {
    return record.id;
  }
}

std::set<std::string> processors(const Collection& side) {
  std::set<std::string> types;
  for (const auto& trial : side.trials) {
    const auto environment = checkpoint::parse_shallow(trial.environment);
    if (!environment.is_object() || !environment.contains("cpu") || !environment["cpu"].is_string()) continue;
    types.insert(shown(environment["cpu"].get<std::string>()));
  }
  return types;
}

std::map<std::string, std::size_t> places(const Collection& side) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < side.trials.size(); ++i) places.emplace(side.trials[i].id, i);
  return places;
}

/// Differences of one trial, with the tensors' values where their hashes differ: only then are they worth reading.
std::vector<checkpoint::Difference> differences_of(const Collection& first, std::size_t a, const Collection& second,
                                                   std::size_t b, double tolerance) {
  auto found = checkpoint::differences(first.trials[a], second.trials[b]);
  if (found.empty()) return found;
  const std::string& id = first.trials[a].id;
  return checkpoint::differences(checkpoint::read_trial(first.files[a], id, checkpoint::Read::Everything),
                                 checkpoint::read_trial(second.files[b], id, checkpoint::Read::Everything), tolerance);
}

void print_differences(const std::vector<checkpoint::Difference>& found) {
  for (std::size_t i = 0; i < std::min(found.size(), kMostFields); ++i) {
    say("    {}: {}\n", shown(found[i].field), shown(found[i].how));
  }
  if (found.size() > kMostFields) say("    and {} more\n", found.size() - kMostFields);
}

/// Prints what only one side has; returns how many.
std::size_t print_lonely(const Collection& side, const std::map<std::string, std::size_t>& other,
                         const std::string& name) {
  std::size_t lonely = 0;
  for (const auto& trial : side.trials) {
    if (!other.contains(trial.id) && lonely++ < kMostListed) say("only in {}: {}\n", shown(name), description(trial));
  }
  if (lonely > kMostListed) say("only in {}: {} trials in all\n", shown(name), lonely);
  return lonely;
}

/// Prints files that could not be compared; returns how many.
std::size_t print_troubles(const Collection& side) {
  for (const auto& conflict : side.conflicts) {
    say("conflict: trial {} in {} and {}\n", shown(conflict.id), shown(conflict.first.string()),
        shown(conflict.second.string()));
  }
  for (const auto& unreadable : side.unreadable) {
    say("left out: {}: {}\n", shown(unreadable.file.string()), shown(unreadable.reason));
  }
  return side.conflicts.size() + side.unreadable.size();
}

int compare(const std::filesystem::path& a, const std::filesystem::path& b, double tolerance) {
  const Collection first = checkpoint::collect(with_shards({a}), checkpoint::Read::WithoutTensors);
  const Collection second = checkpoint::collect(with_shards({b}), checkpoint::Read::WithoutTensors);
  const auto here = places(first), there = places(second);
  std::size_t shared = 0, unlike = 0;
  for (const auto& [id, place] : here) {
    const auto other = there.find(id);
    if (other == there.end()) continue;
    ++shared;
    const auto found = differences_of(first, place, second, other->second, tolerance);
    if (found.empty() || ++unlike > kMostListed) continue;
    say("differs {}\n", description(first.trials[place]));
    print_differences(found);
  }
  const std::size_t lonely = print_lonely(first, there, a.string()) + print_lonely(second, here, b.string());
  const std::size_t troubles = print_troubles(first) + print_troubles(second);
  const auto types = processors(first), other_types = processors(second);
  if (!types.empty() && !other_types.empty() && types != other_types) {
    say("the types of processor differ: {} in {}, {} in {}\n", fmt::join(types, "; "), shown(a.string()),
        fmt::join(other_types, "; "), shown(b.string()));
  }
  const bool same = unlike == 0 && lonely == 0 && troubles == 0;
  const std::string within =
      tolerance > 0 ? fmt::format(" within {} (tensors kept only as hashes left out)", tolerance) : "";
  if (same) {
    say("identical{}: {} trials\n", within, shared);
  } else {
    say("not identical{}: {} of {} shared trials differ, {} on one side only, {} left out or in conflict\n", within,
        unlike, shared, lonely, troubles);
  }
  return same ? 0 : 3;
}

}  // namespace

int compare_command(const Arguments& arguments) {
  const std::string usage = "orchestrator compare A B [--tolerance X]";
  CommandLine line{usage.c_str(), "Are all trials of two runs identical? Where not, in which number, by how much?", {}};
  line.options.add_options()("tolerance", po::value<double>()->default_value(0, "0"), "how far numbers may be apart");
  const auto parsed = parse_line(std::move(line), arguments);
  if (!parsed) return 0;
  if (parsed->paths.size() != 2) throw worker::UsageError("two runs are to be compared; right is: " + usage);
  const double tolerance = parsed->values["tolerance"].as<double>();
  if (!(tolerance >= 0)) throw worker::UsageError("--tolerance is a number from 0 on, such as 1e-4");
  return compare(parsed->paths[0], parsed->paths[1], tolerance);
}

}  // namespace peftgrid::orchestrator
