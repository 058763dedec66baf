#include "orchestrator/report/remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "orchestrator/report/format.hpp"
#include "orchestrator/schedule/show_plan.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

std::string trials(std::size_t n) {
  return fmt::format("{} {}", n, n == 1 ? "trial" : "trials");
}

void add_processors(const Sources& sources, std::vector<std::string>& remarks) {
  std::map<std::string, std::size_t> types;
  for (const StoredTrial& trial : sources.trials) {
    if (!trial.cpu.empty()) ++types[trial.cpu];
  }
  if (types.size() < 2) return;
  std::vector<std::string> names;
  for (const auto& [type, n] : types) names.push_back(type + " (" + trials(n) + ")");
  remarks.push_back(
      fmt::format("Trials ran on {} types of processor: {}. The same trial has identical numbers only on "
                  "one type.",
                  types.size(), listed(names)));
}

void add_precision(const Sources& sources, std::vector<std::string>& remarks) {
  const auto in_bf16 = static_cast<std::size_t>(
      std::ranges::count_if(sources.trials, [](const StoredTrial& trial) { return trial.spec.precision == "bf16"; }));
  if (in_bf16 == 0) return;
  remarks.push_back(
      fmt::format("{} took products with frozen weights in bf16, all else in fp32 (precision: bf16); weights that "
                  "train, which full fine-tuning's all do, are in fp32.",
                  in_bf16 == sources.trials.size() ? "All trials" : trials(in_bf16)));
}

void add_versions(const Sources& sources, std::vector<std::string>& remarks) {
  std::map<std::int64_t, std::size_t> versions;
  for (const StoredTrial& trial : sources.trials) {
    if (trial.numerics != worker::kNumericsVersion) ++versions[trial.numerics];
  }
  for (const auto& [version, n] : versions) {
    const std::string name = version == 0 ? "an unknown numerics version" : fmt::format("numerics version {}", version);
    remarks.push_back(fmt::format("{} of {}, while this program has version {}: it would compute them anew.", trials(n),
                                  name, worker::kNumericsVersion));
  }
}

void add_losses(const Sources& sources, std::vector<std::string>& remarks) {
  for (const RunState& state : sources.states) {
    if (state.lost.empty()) continue;
    remarks.push_back(
        fmt::format("{}: {} lost in the last start ({}); what they worked on ran again on others.", state.run,
                    state.lost.size() == 1 ? "one rank was" : fmt::format("{} ranks were", state.lost.size()),
                    fmt::join(state.lost, "; ")));
  }
}

/// Of the last start: earlier ones were cut short.
void add_prediction(const Sources& sources, std::vector<std::string>& remarks) {
  for (const RunState& state : sources.states) {
    const Prediction& p = state.prediction;
    if (p.trials == 0 || p.end_s <= p.begin_s) continue;
    const double took_s = p.end_s - p.begin_s;
    remarks.push_back(
        fmt::format("{}: the last start ran {} on {} rank{} in {}; its plan had predicted {}; at the costs that it "
                    "predicted no plan takes less than {}.",
                    state.run, trials(static_cast<std::size_t>(p.trials)), p.ranks, p.ranks == 1 ? "" : "s",
                    seconds_text(took_s), seconds_text(p.makespan_s), seconds_text(p.lower_bound_s)));
  }
}

}  // namespace

std::vector<std::string> remarks_of(const Sources& sources) {
  std::vector<std::string> remarks;
  if (sources.trials.empty()) remarks.emplace_back("There is no finished trial yet.");
  add_losses(sources, remarks);
  add_prediction(sources, remarks);
  add_processors(sources, remarks);
  add_precision(sources, remarks);
  add_versions(sources, remarks);
  if (sources.earlier > 0) {
    remarks.push_back(trials(sources.earlier) + " stored here " + (sources.earlier == 1 ? "belongs" : "belong") +
                      " to earlier grids of the same folder and " + (sources.earlier == 1 ? "is" : "are") +
                      " not shown.");
  }
  for (const auto& conflict : sources.conflicts) {
    remarks.push_back(fmt::format("Conflict: trial {} has unlike numbers in {} and {}; neither is taken.", conflict.id,
                                  worker::shown(conflict.first.string()), worker::shown(conflict.second.string())));
  }
  for (const auto& unreadable : sources.unreadable) {
    remarks.push_back(fmt::format("Left out: {}: {}", worker::shown(unreadable.file.string()), unreadable.reason));
  }
  return remarks;
}

}  // namespace peftgrid::orchestrator
