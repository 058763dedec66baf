#include "tests/support/nccl_standin/hub.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/nccl_standin/wire.hpp"

namespace peftgrid::standin {

namespace {

std::string text_of(const Call& call) {
  if (call.kind == Call::Join) return "joins a communicator of " + std::to_string(call.size);
  return "is at sum " + std::to_string(call.number) + " of " + std::to_string(call.count) + " values of type " +
         std::to_string(call.type) + ", operation " + std::to_string(call.operation);
}

class Hub {
 public:
  explicit Hub(int listener) : listener_(listener) {}
  ~Hub() {
    close(listener_);
    for (const Member& member : members_) close(member.socket);
  }

  void serve() {
    while (step()) continue;
  }

 private:
  struct Member {
    int socket = -1, rank = -1;
    std::optional<Call> call;
    std::vector<float> values;
  };

  /// False when the communicator is at its end.
  bool step() {
    std::vector<pollfd> sockets{{listener_, POLLIN, 0}};
    for (const Member& member : members_) sockets.push_back({member.socket, POLLIN, 0});
    poll(sockets.data(), sockets.size(), -1);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (sockets[i + 1].revents == 0) continue;
      if (!hear(members_[i])) return leave(members_[i].rank);
    }
    if (sockets[0].revents != 0) members_.push_back({accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), -1, {}, {}});
    const bool all_here = !members_.empty() && std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
      return member.call && members_.size() == static_cast<std::size_t>(member.call->size);
    });
    return !all_here || answer();
  }

  static bool hear(Member& member) {
    Call call;
    if (!receive_all(member.socket, &call, sizeof call)) return false;
    member.rank = call.rank;
    member.call = call;
    member.values.resize(call.count);
    return receive_all(member.socket, member.values.data(), call.count * sizeof(float));
  }

  bool leave(int rank) { return refuse(ncclRemoteError, "rank " + std::to_string(rank) + " has left"); }

  bool answer() {
    std::sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) { return a.rank < b.rank; });
    for (std::size_t rank = 0; rank < members_.size(); ++rank) {
      Call expected = *members_[0].call;
      expected.rank = static_cast<int>(rank);
      if (*members_[rank].call == expected) continue;
      return refuse(ncclInvalidUsage, "rank 0 " + text_of(*members_[0].call) + "; rank " +
                                          std::to_string(members_[rank].rank) + " " + text_of(*members_[rank].call));
    }
    std::vector<float> sum(members_[0].values.size());
    for (const Member& member : members_) {
      std::transform(sum.begin(), sum.end(), member.values.begin(), sum.begin(), std::plus());
    }
    const Answer well;
    for (Member& member : members_) {
      // Who has left meanwhile is noticed at the next step.
      send_all(member.socket, &well, sizeof well) && send_all(member.socket, sum.data(), sum.size() * sizeof(float));
      member.call.reset();
    }
    return true;
  }

  /// Tells everyone who is still there; always false.
  bool refuse(ncclResult_t result, const std::string& why) {
    const Answer answer{result, static_cast<std::uint32_t>(why.size())};
    for (const Member& member : members_) {
      send_all(member.socket, &answer, sizeof answer) && send_all(member.socket, why.data(), why.size());
    }
    return false;
  }

  int listener_;
  std::vector<Member> members_;
};

}  // namespace

std::string start_hub() {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string name = "peftgrid-nccl-" + std::to_string(getpid()) + "-" + std::to_string(std::random_device{}());
  if (listener < 0 || !with_address(bind, listener, name) || listen(listener, 64) != 0) return "";
  std::thread([listener] { Hub(listener).serve(); }).detach();
  return name;
}

}  // namespace peftgrid::standin
