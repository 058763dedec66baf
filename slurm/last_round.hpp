#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace peftgrid::slurm {

/// What slurm/rounds.sh notes of a job's last round.
struct LastRound {
  std::string job;
  std::string how;  // running, limit, ended, preempted, requeued, cancelled, busy, refused, failed, finished
};

/// `folder` is the run folder's slurm/. Nothing where no round has begun, or where the notes are damaged.
std::optional<LastRound> read_last_round(const std::filesystem::path& folder);

/// "the last round, of Slurm job 12, was preempted". For a round that is running: that it was cut off, which is to be
/// said only where nobody is at work. Empty for a round that finished the run.
std::string round_text(const LastRound& round);

}  // namespace peftgrid::slurm
