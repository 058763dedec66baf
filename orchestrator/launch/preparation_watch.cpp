#include "orchestrator/launch/preparation_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "collectives/mailbox.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/launcher.hpp"
#include "orchestrator/output.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr double kLook_s = 0.1;
constexpr int kLooksOfBeat = 20;

[[noreturn]] void leave(int rank, int silent, const ProcessId& who) {
  complain(
      "orchestrator: rank {} on {}: rank {} on {} was silent for {:.0f} s while the run started; the same command "
      "goes on\n",
      rank, worker::shown(host_name()), silent, worker::shown(who.host), PreparationWatch::kSilence_s);
  flush_output();
  leave_no_launcher_behind();
  std::_Exit(4);
}

}  // namespace

PreparationWatch::PreparationWatch(collectives::MpiSession::Line line, int rank, std::vector<ProcessId> ranks,
                                   ProcessId coordinator)
    : line_(std::move(line)), rank_(rank) {
  if (rank == 0) {
    for (std::size_t other = 1; other < ranks.size(); ++other) {
      peers_.push_back(std::move(ranks[other]));
      numbers_.push_back(static_cast<int>(other));
    }
  } else {
    peers_.push_back(std::move(coordinator));
    numbers_.push_back(0);
  }
  if (!peers_.empty()) thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void PreparationWatch::watch(const std::stop_token& stop) {
  collectives::Mailbox& box = rank_ == 0 ? *line_.coordinator : *line_.worker;
  // Counted in looks, not by a clock: all ranks may be suspended together.
  std::vector<double> silent_s(peers_.size(), 0);
  for (int look = 0; !stop.stop_requested(); ++look) {
    for (const int number : numbers_) {
      if (look % kLooksOfBeat == 0) box.send(number, "");
    }
    for (double& seconds : silent_s) seconds += kLook_s;
    while (const auto letter = box.poll()) {
      const auto from = std::find(numbers_.begin(), numbers_.end(), letter->from);
      if (from != numbers_.end()) silent_s[static_cast<std::size_t>(from - numbers_.begin())] = 0;
    }
    const auto longest = std::max_element(silent_s.begin(), silent_s.end());
    const auto who = static_cast<std::size_t>(longest - silent_s.begin());
    if (*longest > kSilence_s) leave(rank_, numbers_[who], peers_[who]);
    std::this_thread::sleep_for(std::chrono::duration<double>(kLook_s));
  }
}

void PreparationWatch::over() {
  thread_ = {};
}

}  // namespace peftgrid::orchestrator
