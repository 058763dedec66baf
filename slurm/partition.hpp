#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peftgrid::slurm {

/// What a node of a partition has, at least, and how long a job there may be.
struct Partition {
  std::string name;
  std::int64_t cores = 0;   // of its smallest node; hardware threads do not count
  std::int64_t gpus = 0;    // of the node that has fewest
  std::int64_t most_s = 0;  // of a job; kUnlimited_s: as long as it likes
};

/// GPUs among generic resources as Slurm writes them: "gpu:a100:4(S:0-1),nvme:1" has 4.
std::int64_t gpus_in(std::string_view resources);

/// Reads what `sinfo --noheader --exact --format=%P|%X|%Y|%l|%G` prints. `named` is one partition, or several with
/// commas between, any of which will do, so that the longest time counts; empty: the default one, which carries a star.
/// Nothing where the text has none of them.
std::optional<Partition> parse_partition(const std::string& text, const std::string& named);

/// Asks sinfo. Nothing where Slurm does not answer.
std::optional<Partition> find_partition(const std::string& named);

/// How many tasks an array may have here: scontrol's MaxArraySize counts from 0. Nothing where Slurm does not answer.
std::optional<std::int64_t> most_array_tasks();

}  // namespace peftgrid::slurm
