#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// Where the run stands.
struct Overview {
  std::int64_t done = 0, running = 0, failed = 0, total = 0;  // trials of this start
  double elapsed_s = 0, left_s = 0;
};

/// What a person sees while a grid runs. One thread: the coordinator's.
class Display {
 public:
  virtual ~Display() = default;
  virtual void started(int rank, const worker::TrialSpec& spec) = 0;
  /// `loss` is NaN where an earlier start came as far as `step`, from which the trial goes on.
  virtual void progress(int rank, std::int64_t step, std::int64_t steps, double loss) = 0;
  virtual void ended(int rank, const worker::TrialSpec& spec, const worker::TrialOutcome& outcome) = 0;
  /// A rank asks for a trial; it may have been one of several that trained the last one.
  virtual void idle(int rank) = 0;
  /// A rank is gone; its trial, if it had one, starts again elsewhere.
  virtual void lost(int rank, const std::string& host, const std::string& why) = 0;
  /// Of the run as a whole, such as that the disk refuses files.
  virtual void note(const std::string& text) = 0;
  /// Called often; draws when it is time. `last`: nothing comes after.
  virtual void show(const Overview& overview, bool last) = 0;
};

/// `kind`: live (a few lines that are drawn again), plain (a line with a time for each thing that happens), quiet
/// (failures only). Trials that were already there count as done in the cells.
std::unique_ptr<Display> make_display(const std::string& kind, const Grid& grid,
                                      const std::vector<std::string>& already_there, int ranks);

/// "3.2 s", "4 min 05 s", "2 h 10 min".
std::string duration_text(double seconds);
/// "rank 3 on node7 died: …".
std::string loss_text(int rank, const std::string& host, const std::string& why);
/// "sst2 lora K=100 seed 3": how displays name a trial.
std::string trial_text(const worker::TrialSpec& spec);
/// "goes on at step 12 of 35".
std::string resumption_text(std::int64_t step, std::int64_t steps);

}  // namespace peftgrid::orchestrator
