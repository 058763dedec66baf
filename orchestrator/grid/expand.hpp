#pragma once

#include <map>
#include <string>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/grid/grid_file.hpp"
#include "orchestrator/grid/overrides.hpp"

namespace peftgrid::orchestrator {

/// What a grid's names turned out to be.
struct Facts {
  std::map<std::string, worker::BackboneFacts> backbones;
  std::map<std::string, worker::TaskSpec> specs;  // whole: paths, labels, hashes
  std::map<std::string, worker::TaskFacts> tasks;
};

/// Cells, trials and holes in the grid's order: backbones, tasks, methods, sizes, seeds. Fills those of `grid`.
/// Throws worker::UsageError where a size fits no task, a method cannot be built, or two cells are the same.
void expand(const GridFile& file, const Facts& facts, const Filter& filter, const Overrides& overrides, Grid& grid);

/// What `plan` prints of a grid: each key, its value and where it came from.
std::vector<Resolved> describe(const GridFile& file, const Facts& facts);

/// What holds before a grid says anything: the protocol's. Notes in `origins` what is not the program's own default.
worker::TrainingSpec default_training(const GridFile& file, std::map<std::string, std::string>& origins);

/// The training of one cell. From weak to strong: the protocol's or the program's defaults, the grid's `training`, the
/// task's (`of_task`), the method's, the method's own `learning_rate`. A rate given nowhere is the size class's.
worker::TrainingSpec training_of(const GridFile& file, const worker::TaskSpec& task, const TrainingLayer& of_task,
                                 const MethodEntry& method, const worker::BackboneFacts& backbone,
                                 std::map<std::string, std::string>& origins);

}  // namespace peftgrid::orchestrator
