#include "orchestrator/launch/start_deadline.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>

#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/launcher.hpp"
#include "orchestrator/output.hpp"
#include "slurm/environment.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

/// The first rank of a node speaks; the others leave later, lest mpirun ends that one before it has spoken.
constexpr double kOthers_s = 1;

int number_in(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// "eth0 10.0.0.5/24, docker0 172.17.0.1/16": what btl_tcp_if_include can choose from.
std::string networks() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return "";
  std::string all;
  for (const ifaddrs* it = first; it != nullptr; it = it->ifa_next) {
    if (it->ifa_addr == nullptr || it->ifa_netmask == nullptr || it->ifa_addr->sa_family != AF_INET) continue;
    if ((it->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char address[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(it->ifa_addr)->sin_addr, address, sizeof address);
    const int bits = std::popcount(reinterpret_cast<const sockaddr_in*>(it->ifa_netmask)->sin_addr.s_addr);
    all += fmt::format("{}{} {}/{}", all.empty() ? "" : ", ", it->ifa_name, address, bits);
  }
  freeifaddrs(first);
  return all;
}

std::string advice(int ranks) {
  if (number_in("OMPI_COMM_WORLD_LOCAL_SIZE", 0) == ranks) return "";
  const std::string nodes = slurm::read_environment(slurm::process_variables()).nodes;
  const std::string here = networks();
  return fmt::format(
      "{}; name the network that joins the hosts: mpirun --mca btl_tcp_if_include 10.0.0.0/24, or "
      "OMPI_MCA_btl_tcp_if_include in a Slurm job{}",
      nodes.empty() ? "" : fmt::format(" (nodes {})", worker::shown(nodes)),
      here.empty() ? "" : fmt::format(" (this host has {})", here));
}

[[noreturn]] void leave(int rank, int ranks) {
  if (number_in("OMPI_COMM_WORLD_LOCAL_RANK", 0) == 0) {
    complain(
        "orchestrator: rank {} on {}: the {} ranks could not reach each other within {:.0f} s{}; then the same "
        "command goes on\n",
        rank, worker::shown(host_name()), ranks, StartDeadline::kMeet_s, advice(ranks));
  }
  flush_output();
  leave_no_launcher_behind();
  std::_Exit(4);
}

}  // namespace

StartDeadline::StartDeadline(int rank, int ranks) {
  if (ranks < 2) return;
  const double patience_s = kMeet_s + (number_in("OMPI_COMM_WORLD_LOCAL_RANK", 0) == 0 ? 0 : kOthers_s);
  thread_ = std::jthread([rank, ranks, patience_s](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::duration<double>(patience_s), [] { return false; });
    if (!stop.stop_requested()) leave(rank, ranks);
  });
}

void StartDeadline::met() {
  thread_ = {};
}

}  // namespace peftgrid::orchestrator
