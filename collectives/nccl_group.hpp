#pragma once

#include <memory>

#include "collectives/group.hpp"

struct CUstream_st;  // cudaStream_t is a pointer to it; CUDA's headers stay out of ours

namespace peftgrid::collectives {

/// A gang whose sums go over NCCL, on a communicator and a stream of their own; all that is host data goes over the
/// group that it was made from. Differs from other groups in this:
/// - all_reduce takes host memory (which it stages) or memory of the device, and adds in an order that NCCL chooses.
/// - Trouble of any rank throws the same CommError on all, within the deadline of the call. It names the rank where the
///   trouble began if one knows; a rank that is merely silent nobody can name.
/// - After a CommError the communicator is aborted, and every further call throws CommError that repeats the first.
class NcclGroup : public Group {
 public:
  /// Collective, and does not wait for the sum: queues it behind all that `compute` holds now; what `compute` is given
  /// afterwards comes after the sum. `device_values` is memory of the device and stays alive until finish. The deadline
  /// is for NCCL's taking it up. What goes wrong is told by finish; calls until then do nothing.
  virtual void enqueue_all_reduce(std::span<float> device_values, CUstream_st* compute, Deadline deadline) = 0;
  /// Collective. Returns when the enqueued sums of all ranks have ended. Call it once a step, when the host needs to
  /// know anyway.
  virtual void finish(Deadline deadline) = 0;
};

/// Collective over `bootstrap`, which becomes part of the group. The sums use the device that is current in this
/// thread. Throws CommError on all ranks, or on none.
std::unique_ptr<NcclGroup> make_nccl_group(std::unique_ptr<Group> bootstrap, Deadline deadline);

}  // namespace peftgrid::collectives
