#pragma once

#include <string>
#include <vector>

#include "orchestrator/grid/yaml.hpp"
#include "worker/trial.hpp"

/// What the command line changes of a grid.
namespace peftgrid::orchestrator {

/// Lays one `--set a.b=value` over a grid's tree. The value is YAML. Maps on the way are made where missing; a part may
/// be a number, which counts list items from 0. Throws worker::UsageError naming the argument.
void set_value(Node& root, const std::string& argument);

/// `--only method=lora,task=sst2,size=100,seed=3,backbone=minilm`. One key given twice means either.
class Filter {
 public:
  /// Throws worker::UsageError: no key=value, unknown key, a size or seed that is no number.
  explicit Filter(const std::vector<std::string>& only);
  bool takes(const worker::TrialSpec& spec) const;
  /// As `takes` for what a hole knows. `method` is the method's own name.
  bool takes(const std::string& backbone, const std::string& task, const std::string& method, const std::string& label,
             std::int64_t train_size) const;
  /// Throws worker::UsageError, naming the nearest, for a name that is not in the grid.
  void check(const std::string& key, const std::vector<std::string>& known) const;
  bool empty() const { return wanted_.empty(); }

 private:
  struct Wanted {
    std::string key, value, argument;
  };
  bool matches(const std::string& key, const std::vector<std::string>& values) const;
  std::vector<Wanted> wanted_;
};

}  // namespace peftgrid::orchestrator
