#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "collectives/mailbox.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Who works here, for the environment that each trial file keeps.
struct WorkerInfo {
  std::filesystem::path trials;  // the run's folder of trial files
  std::string host, commit, mpi;
  int rank = 0, ranks = 1;
  int cores = 1;  // of this node
};

/// The worker's loop: asks the coordinator for a trial, trains it, publishes its file, reports; until told to end or
/// until `stop` says so. Talks only by data (messages.hpp); an exception of one trial becomes its outcome.
void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const std::function<bool()>& stop);

/// Before anything else in the process: drops environment variables that would change the numbers, and sets the number
/// of threads of LibTorch.
void prepare_process(int threads);

/// GFLOP/s of this rank on products of a base's size, measured for some tens of milliseconds: for predicted times.
double measured_gflops(bool bf16);

/// Has this processor instructions for products in bf16? Without them `precision: bf16` rounds alike, but is no faster
/// than fp32.
bool multiplies_bf16();

std::string torch_version();
/// "Intel(R) Xeon(R) Processor, AVX-512": what decides the bytes of results.
std::string cpu_type();

}  // namespace peftgrid::worker
