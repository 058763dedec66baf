#pragma once

#include <map>
#include <string>
#include <vector>

#include "orchestrator/grid/yaml.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// One key of a `training` map.
struct TrainingKey {
  std::string name, meaning;
};
/// All of them, in the order `plan` shows them.
const std::vector<TrainingKey>& training_keys();

/// A `training` map as given: every value checked, laid over nothing yet.
class TrainingLayer {
 public:
  TrainingLayer() = default;
  /// Throws worker::UsageError: unknown key, wrong type, out of bounds, epochs and max_steps both.
  explicit TrainingLayer(const Node& map);

  /// Replaces in `spec` what the map has, and in `origins` where each came from.
  void lay_over(worker::TrainingSpec& spec, std::map<std::string, std::string>& origins) const;
  /// The value as written, or empty.
  std::string written(const std::string& key) const;
  const Node* find(const std::string& key) const;

 private:
  std::vector<Node::Entry> entries_;
};

/// A value of a spec as `plan` and labels show it.
std::string training_text(const worker::TrainingSpec& spec, const std::string& key);

}  // namespace peftgrid::orchestrator
