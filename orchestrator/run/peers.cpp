#include "orchestrator/run/peers.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "orchestrator/launch/launch.hpp"

namespace peftgrid::orchestrator {

namespace {

/// -1 where the process is of another host, or the kernel is older than pidfd_open.
int open_pidfd(const ProcessId& id) {
  if (id.host != host_name()) return -1;
  const auto facts = process_facts(id.pid);
  if (!facts || facts->start != id.start) return -1;  // another container's, or another process by now
  return static_cast<int>(syscall(SYS_pidfd_open, id.pid, 0));
}

}  // namespace

Peers::Peers(std::vector<ProcessId> ranks) : ranks_(std::move(ranks)) {
  for (const ProcessId& id : ranks_) files_.push_back(open_pidfd(id));
}

Peers::~Peers() {
  for (const int file : files_) {
    if (file >= 0) close(file);
  }
}

std::vector<int> Peers::newly_dead() {
  std::vector<pollfd> wanted;
  for (const int file : files_) wanted.push_back({file, POLLIN, 0});  // a negative one is passed over
  std::vector<int> dead;
  if (poll(wanted.data(), wanted.size(), 0) <= 0) return dead;
  for (std::size_t rank = 0; rank < wanted.size(); ++rank) {
    if ((wanted[rank].revents & POLLIN) == 0) continue;
    dead.push_back(static_cast<int>(rank));
    close(files_[rank]);
    files_[rank] = -1;
  }
  return dead;
}

}  // namespace peftgrid::orchestrator
