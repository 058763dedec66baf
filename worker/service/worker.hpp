#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collectives/group.hpp"
#include "collectives/mailbox.hpp"
#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Who works here, for the environment that each trial file keeps.
struct WorkerInfo {
  std::filesystem::path trials;       // the run's folder of trial files
  std::filesystem::path checkpoints;  // and of the states of unfinished trials
  std::filesystem::path reserve;      // room that finished trials may take (checkpoint/reserve.hpp)
  std::filesystem::path node_memory;  // a folder in memory that the ranks of this node share; empty: none
  double checkpoint_every_s = 180;
  bool wait_for_storage = true;  // where the disk refuses a finished trial; else the run stops
  std::string host, commit, mpi;
  std::string gpu;  // the CUDA device on which trials train; empty: they train on the CPU
  int rank = 0, ranks = 1;
  int cores = 1;  // that the ranks of all hosts have together
};

/// A worker that heard nothing from the coordinator for that long takes it for dead, or for stopped.
inline constexpr double kCoordinatorSilence_s = 20;

/// What a worker cannot decide by itself.
struct WorkerHooks {
  /// The group of the ranks that share a trial, this one among them; `number` tells gangs apart. The deadline is for
  /// connecting them.
  std::function<std::unique_ptr<collectives::Group>(const std::vector<int>& ranks, std::int64_t number,
                                                    collectives::Deadline deadline)>
      make_gang;
  std::function<bool()> stop;              // a stop signal has come: the trial in hand is dropped
  std::function<bool()> coordinator_died;  // as far as can be seen from this node
  std::function<void()> abandoned;         // the coordinator died or is silent; must not return
  std::function<void()> leave;             // the coordinator says that this process must go; must not return
};

/// The worker's loop: asks the coordinator for a trial, trains it, publishes its file, reports; until told to end.
/// Talks only by data (messages.hpp); an exception of one trial becomes its outcome.
void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const WorkerHooks& hooks);

/// Before anything else in the process: drops environment variables that would change the numbers, and sets the number
/// of threads of LibTorch.
void prepare_process(int threads);

/// Before the first trial of a run on CUDA devices: opens the part of LibTorch that computes there, with sums in an
/// order that is the same at every start. Throws UsageError with the loader's reason.
void open_cuda();

/// This rank's speed on products of a base's size, measured for some tens of milliseconds: for predicted times. In bf16
/// only where asked for. On a CUDA device after open_cuda.
ProductSpeed measured_products(bool bf16, const std::string& device);

/// Has this processor instructions for products in bf16? Without them `precision: bf16` rounds alike, but is no faster
/// than fp32.
bool multiplies_bf16();

std::string torch_version();
/// "Intel(R) Xeon(R) Processor, AVX-512": what decides the bytes of results.
std::string cpu_type();

}  // namespace peftgrid::worker
