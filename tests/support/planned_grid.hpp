#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::tests {

/// A small BERT with a pretrained pooler, on paper.
inline worker::BackboneFacts planned_backbone() {
  const auto [architecture, config] = worker::parse_model(
      R"({"model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6,
          "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512})",
      "config.json");
  worker::BackboneFacts facts(*architecture, config, true);
  facts.file_bytes = 90'000'000;
  return facts;
}

/// A grid on paper, for tests of plans: LoRA on one task of a small BERT, a cell for each training size, `seeds` trials
/// in each. `width` 0 leaves it to the plan.
inline orchestrator::Grid planned_grid(const std::vector<std::int64_t>& sizes, std::int64_t seeds, std::int64_t width) {
  orchestrator::Grid grid;
  grid.run = "small";
  grid.backbones["tiny"] = planned_backbone();
  worker::TaskFacts& task = grid.tasks["a"];
  task.train_rows = 100'000;
  task.test_rows = {800};
  task.mean_characters = 100;
  worker::TrialSpec spec;
  spec.label = spec.method.name = "lora";
  for (const worker::OptionInfo& option : worker::find_method("lora")->options) {
    spec.method.options[option.name] = option.fallback;
  }
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
