#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Rows of the training file, by index from 0.
struct Sample {
  std::vector<std::int64_t> selection, train;
};

/// One permutation of the rows per task and data seed; the selection rows come first, then the training rows. So sizes
/// are nested, and one selection set serves every size. With `train_first` it is the other way round. `train_size` 0
/// takes all that is left. The draw depends on its arguments alone. Throws std::invalid_argument when there are too few
/// rows.
Sample sample(std::int64_t rows, std::int64_t selection_rows, std::int64_t train_size, const std::string& task_name,
              std::uint64_t data_seed, bool train_first = false);
/// The sample of a trial on a task of so many training rows.
Sample sample_of(const TrialSpec& spec, std::int64_t rows);

}  // namespace peftgrid::worker
