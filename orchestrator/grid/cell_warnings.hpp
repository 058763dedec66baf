#pragma once

#include <set>
#include <string>

#include "orchestrator/grid/expand.hpp"

namespace peftgrid::orchestrator {

/// What a user should know of a grid's cells before they run, each thing said once.
class CellWarnings {
 public:
  CellWarnings(const Facts& facts, Grid& grid) : facts_(facts), grid_(grid) {}

  /// Notes what the method's options name in vain on this backbone.
  void see_method(const worker::TrialSpec& spec, const worker::BackboneFacts& backbone);
  /// Warns of a warm-up that takes all steps.
  void see_training(const worker::TrialSpec& spec);
  /// Warns of labels that a sample lacks, and of selection rows that cannot select.
  void see_sample(const worker::TrialSpec& spec);

 private:
  const Facts& facts_;
  Grid& grid_;
  std::set<std::string> said_;
};

}  // namespace peftgrid::orchestrator
