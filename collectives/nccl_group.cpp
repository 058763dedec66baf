#include "collectives/nccl_group.hpp"

#include <algorithm>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "collectives/cuda_handles.hpp"
#include "collectives/nccl_communicator.hpp"

namespace peftgrid::collectives {

namespace {

template <typename Work>
std::optional<Trouble> attempt(Work work) {
  try {
    work();
    return std::nullopt;
  } catch (const Trouble& trouble) {
    return trouble;
  }
}

/// The share of a deadline in which this rank may wait for NCCL; in the rest the ranks tell each other how it went.
Deadline before_the_verdict(const Deadline& whole) {
  const double left_s = std::chrono::duration<double>(whole.end() - std::chrono::steady_clock::now()).count();
  return whole.within(left_s - std::min(1.0, left_s / 2));
}

/// Collective. Throws the same CommError on all ranks where one or more are in trouble. Those who know a cause come
/// before those who lost sight of a peer, then the lowest rank.
void settle(Group& bootstrap, const std::optional<Trouble>& trouble, const Deadline& deadline) {
  std::optional<std::string> mine;
  if (trouble) mine = "rank " + std::to_string(bootstrap.rank()) + ": " + trouble->what();
  Verdict verdict;
  try {
    verdict = bootstrap.agree(mine, deadline);
    if (verdict.ok) return;
    const bool knows = trouble && trouble->origin() == Trouble::BeganHere;
    const Verdict cause = bootstrap.agree(knows ? mine : std::nullopt, deadline);
    if (!cause.ok) verdict = cause;
  } catch (const CommError& silence) {
    throw CommError(mine ? deadline.phase() + ": " + *mine + "; then " + silence.what() : silence.what());
  }
  throw CommError(deadline.phase() + ": " + verdict.why);
}

bool is_device_memory(const float* memory) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, memory), "cudaPointerGetAttributes");
  return attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
}

class GroupOverNccl : public NcclGroup {
 public:
  GroupOverNccl(std::unique_ptr<Group> bootstrap, const ncclUniqueId& id, const Deadline& deadline)
      : bootstrap_(std::move(bootstrap)) {
    const std::optional<Trouble> trouble = attempt([&] {
      check(cudaGetDevice(&device_), "cudaGetDevice");
      stream_ = make_stream();
      ready_ = make_event();
      done_ = make_event();
      communicator_.emplace(id, rank(), size()).join(before_the_verdict(deadline));
    });
    end_phase(trouble, deadline);
  }

  int rank() const override { return bootstrap_->rank(); }
  int size() const override { return bootstrap_->size(); }

  void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) override {
    unless_failed([&] { bootstrap_->broadcast(bytes, root, deadline); });
  }
  std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) override {
    return unless_failed([&] { return bootstrap_->gather(mine, root, deadline); });
  }
  void barrier(Deadline deadline) override {
    unless_failed([&] { bootstrap_->barrier(deadline); });
  }
  Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) override {
    return unless_failed([&] { return bootstrap_->agree(trouble, deadline); });
  }
  [[noreturn]] void abort(int exit_code) override {
    bootstrap_->abort(exit_code);
    std::_Exit(exit_code);  // GCC does not carry noreturn through a virtual call
  }

  void all_reduce(std::span<float> values, Deadline deadline) override {
    unless_failed([&] {
      if (values.empty()) return;
      end_phase(attempt([&] { sum(values, before_the_verdict(deadline)); }), deadline);
    });
  }

  void enqueue_all_reduce(std::span<float> device_values, cudaStream_t compute, Deadline deadline) override {
    unless_failed([&] {
      if (device_values.empty() || enqueued_trouble_) return;
      enqueued_trouble_ = attempt([&] { sum_behind(compute, device_values, deadline); });
    });
  }

  void finish(Deadline deadline) override {
    unless_failed([&] {
      std::optional<Trouble> trouble = std::exchange(enqueued_trouble_, std::nullopt);
      if (!trouble) trouble = attempt([&] { communicator_->wait(done_.get(), before_the_verdict(deadline)); });
      end_phase(trouble, deadline);
    });
  }

 private:
  /// The first CommError is kept: after it nothing is sent any more, over NCCL or over the bootstrap group.
  template <typename Call>
  std::invoke_result_t<Call> unless_failed(Call call) {
    if (failure_) throw CommError("this group of ranks has failed before: " + *failure_);
    try {
      return call();
    } catch (const CommError& error) {
      failure_ = error.what();
      communicator_.reset();
      throw;
    }
  }

  /// Collective. Ends what the ranks did together over NCCL.
  void end_phase(const std::optional<Trouble>& trouble, const Deadline& deadline) {
    // Aborted before the others are asked: a peer that sees us leave need not wait out its deadline. Not where the
    // trouble began elsewhere: peers that are about to say what they know would then speak of our leaving.
    if (trouble && trouble->origin() == Trouble::BeganHere) communicator_.reset();
    settle(*bootstrap_, trouble, deadline);
  }

  void sum(std::span<float> values, const Deadline& deadline) {
    check(cudaSetDevice(device_), "cudaSetDevice");  // the current device belongs to the thread, not to the process
    const bool staged = !is_device_memory(values.data());
    const std::span<float> on_device = staged ? stage(values) : values;
    communicator_->all_reduce(on_device, stream_.get(), deadline);
    check(cudaEventRecord(done_.get(), stream_.get()), "cudaEventRecord");
    communicator_->wait(done_.get(), deadline);
    if (!staged) return;
    // Only now: a copy to pageable memory makes the host wait for all that comes before it, without a deadline.
    copy(values.data(), on_device.data(), values.size_bytes(), cudaMemcpyDeviceToHost);
  }

  void sum_behind(cudaStream_t compute, std::span<float> device_values, const Deadline& deadline) {
    check(cudaSetDevice(device_), "cudaSetDevice");
    if (!is_device_memory(device_values.data())) {
      throw Trouble("enqueue_all_reduce was given host memory; it takes memory of the device", Trouble::BeganHere);
    }
    check(cudaEventRecord(ready_.get(), compute), "cudaEventRecord");
    check(cudaStreamWaitEvent(stream_.get(), ready_.get(), 0), "cudaStreamWaitEvent");
    communicator_->all_reduce(device_values, stream_.get(), deadline);
    check(cudaEventRecord(done_.get(), stream_.get()), "cudaEventRecord");
    check(cudaStreamWaitEvent(compute, done_.get(), 0), "cudaStreamWaitEvent");
  }

  std::span<float> stage(std::span<const float> values) {
    if (values.size() > staging_size_) {
      staging_ = make_device_floats(values.size());
      staging_size_ = values.size();
    }
    copy(staging_.get(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice);
    return {staging_.get(), values.size()};
  }

  /// Nothing of the peers' is queued when this waits.
  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    check(cudaMemcpyAsync(to, from, bytes, kind, stream_.get()), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
  }

  std::unique_ptr<Group> bootstrap_;
  int device_ = 0;
  Stream stream_;
  Event ready_, done_;
  DeviceFloats staging_;
  std::size_t staging_size_ = 0;
  std::optional<NcclCommunicator> communicator_;  // last: aborted before its stream goes
  std::optional<Trouble> enqueued_trouble_;
  std::optional<std::string> failure_;
};

}  // namespace

std::unique_ptr<NcclGroup> make_nccl_group(std::unique_ptr<Group> bootstrap, Deadline deadline) {
  ncclUniqueId id{};
  const std::optional<Trouble> trouble = attempt([&] {
    if (bootstrap->rank() == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId", nullptr);
  });
  settle(*bootstrap, trouble, deadline);
  bootstrap->broadcast(std::as_writable_bytes(std::span(&id, 1)), 0, deadline);
  return std::make_unique<GroupOverNccl>(std::move(bootstrap), id, deadline);
}

}  // namespace peftgrid::collectives
