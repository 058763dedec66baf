#include "orchestrator/schedule/speed.hpp"

#include <algorithm>
#include <vector>

namespace peftgrid::orchestrator {

namespace {

std::string kind_of(const worker::TrialSpec& spec) {
  return spec.backbone.name + "/" + spec.method.name;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

double Speed::seconds(const worker::TrialSpec& spec, const Grid& grid, std::int64_t ranks) const {
  const auto known = by_method.find(kind_of(spec));
  return (known == by_method.end() ? 1 : known->second) *
         predicted_seconds(spec, grid.tasks.at(spec.task.name), grid.backbones.at(spec.backbone.name), products, ranks);
}

bool in_bf16(const Grid& grid) {
  return !grid.trials.empty() && grid.trials.front().precision == "bf16";
}

Speed speed_of(const Grid& grid, const RunState& state, const worker::ProductSpeed& otherwise) {
  Speed speed{otherwise, false, {}};
  constexpr double kNominal = 1;  // GFLOP/s
  const Speed nominal{{.gflops = kNominal, .bf16_gain = otherwise.bf16_gain}, false, {}};
  std::vector<double> ratios;  // predicted over what it took
  std::map<std::string, std::vector<double>> of_kind;
  for (const worker::TrialSpec& spec : grid.trials) {
    const auto took = state.finished.find(spec.id);
    if (took == state.finished.end() || took->second.seconds <= 0) continue;
    ratios.push_back(nominal.seconds(spec, grid, took->second.ranks) / took->second.seconds);
    of_kind[kind_of(spec)].push_back(ratios.back());
  }
  if (ratios.empty()) return speed;
  const double all = median(ratios);
  speed.products.gflops = all * kNominal;
  // What trials took beside their products is in their speed; this moment's measurement must not move it.
  speed.products.beside = nominal.products.beside;
  speed.from_trials = true;
  for (auto& [kind, values] : of_kind) speed.by_method[kind] = all / median(values);
  return speed;
}

}  // namespace peftgrid::orchestrator
