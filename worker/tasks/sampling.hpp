#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// Rows of the training file, by index from 0.
struct Sample {
  std::vector<std::int64_t> selection, train;
};

/// One permutation of the rows per task and data seed; the selection rows come first, then the training rows. So sizes
/// are nested, and one selection set serves every size. `train_size` 0 takes all that is left. The draw depends on its
/// arguments alone. Throws std::invalid_argument when there are too few rows.
Sample sample(std::int64_t rows, std::int64_t selection_rows, std::int64_t train_size, const std::string& task_name,
              std::uint64_t data_seed);

}  // namespace peftgrid::worker
