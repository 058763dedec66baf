#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::tests {

/// A grid on paper, for tests of plans: LoRA on one task of a small BERT, a cell for each training size, `seeds` trials
/// in each. `width` 0 leaves it to the plan.
inline orchestrator::Grid planned_grid(const std::vector<std::int64_t>& sizes, std::int64_t seeds, std::int64_t width) {
  orchestrator::Grid grid;
  grid.run = "small";
  worker::BackboneFacts& base = grid.backbones["tiny"];
  base.architecture = "bert";
  base.layers = 6;
  base.width = 384;
  base.ffn_width = 1536;
  base.parameters = 22'713'216;
  base.file_bytes = 90'000'000;
  worker::TaskFacts& task = grid.tasks["a"];
  task.train_rows = 100'000;
  task.test_rows = {800};
  task.mean_characters = 100;
  worker::TrialSpec spec;
  spec.label = spec.method.name = "lora";
  spec.method.options = {{"rank", std::int64_t{8}}, {"targets", std::vector<std::string>{"query", "value"}}};
  spec.backbone.name = "tiny";
  spec.backbone.readout = "mean";
  spec.task.name = "a";
  spec.task.text = {{"text", -1}};
  spec.task.labels = {"x", "y"};
  spec.width = width;
  for (const std::int64_t size : sizes) {
    spec.train_size = size;
    spec.cell = worker::cell_id(spec);
    orchestrator::Cell cell{spec.cell, "tiny", "a", "lora", size, {}, width == 0 ? spec.cell : ""};
    for (std::int64_t seed = 1; seed <= seeds; ++seed) {
      spec.seed = spec.data_seed = static_cast<std::uint64_t>(seed);
      spec.id = worker::trial_id(spec);
      cell.trials.push_back(grid.trials.size());
      grid.trials.push_back(spec);
    }
    grid.cells.push_back(std::move(cell));
  }
  return grid;
}

}  // namespace peftgrid::tests
