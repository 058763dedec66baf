#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/launch/cores.hpp"
#include "orchestrator/run/coordinator.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/owner.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "orchestrator/run/run_options.hpp"

namespace peftgrid::orchestrator {

/// Rank 0's hold on a run: grid read, folder owned and laid out, journal open, trials to run chosen and put in order.
class RunSession {
 public:
  /// Throws worker::UsageError or checkpoint::FileError; nothing has been trained by then.
  RunSession(const RunOptions& options, int ranks, const SharedCores& cores);

  const Grid& grid() const { return grid_; }
  const RunFolder& folder() const { return folder_; }
  Journal& journal() { return *journal_; }
  const Owner& owner() const { return *owner_; }
  ~RunSession() { release(); }
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;
  /// Gives the run folder back: also for a process that leaves without unwinding.
  void release();
  /// In the order in which they are handed out.
  const std::vector<Coordinator::Job>& jobs() const { return jobs_; }
  /// Ids of the grid's trials whose files were there before.
  const std::vector<std::string>& already_there() const { return already_there_; }
  /// Trials of the grid that failed in an earlier run and are not tried again.
  std::int64_t failed_before() const { return failed_before_; }
  std::string display_kind(const RunOptions& options) const;

 private:
  void keep_room(int ranks) const;
  void lay_out_folder();
  void choose_trials(const RunOptions& options, int ranks);
  /// Of the trials that are there, those that were made before the grid asked for logits.
  std::size_t without_logits() const;
  void announce(const RunOptions& options, int ranks);

  SharedCores cores_;
  Grid grid_;
  RunFolder folder_;
  std::unique_ptr<Owner> owner_;
  std::unique_ptr<Journal> journal_;
  std::vector<Coordinator::Job> jobs_;
  Prediction prediction_;
  std::vector<std::string> already_there_;
  std::int64_t failed_before_ = 0;
};

}  // namespace peftgrid::orchestrator
