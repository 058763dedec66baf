#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "collectives/mailbox.hpp"
#include "worker/service/messages.hpp"
#include "worker/service/worker.hpp"
#include "worker/training/trainer.hpp"

namespace peftgrid::worker {

/// A rank's line to the coordinator, with a thread of its own beside the one that trains: it beats four times a second
/// with a count of the signs of progress, hears letters while a trial runs, and notices when the coordinator is silent.
class Pulse {
 public:
  Pulse(collectives::Mailbox& line, const WorkerHooks& hooks);
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  /// Asks for work and waits for the answer.
  std::variant<Assign, End> next_order();
  void report(const TrialOutcome& outcome, std::int64_t gang);
  /// The disk refuses a finished trial; empty: no longer.
  void trouble(const std::string& why);

  /// The trial of `gang` begins: until its first step it may prepare for up to kPrepare_s.
  void begin(std::int64_t gang);
  /// A sign of progress. True: the trial in hand is to be dropped.
  bool stop();
  /// The gang of the trial in hand is no more: nothing of it is to be reported. Safe on any thread.
  bool dissolved() const { return dissolved_ == gang_; }
  void progress(const Progress& progress);

  static constexpr double kPrepare_s = 3600, kLeastPatience_s = 60, kPatienceInSteps = 20;

 private:
  void beat(const std::stop_token& stop);
  void send(const FromWorker& message);
  void hear();

  collectives::Mailbox& line_;
  const WorkerHooks& hooks_;
  std::mutex mutex_;  // guards line_, orders_ and heard_at_s_
  std::deque<std::variant<Assign, End>> orders_;
  double heard_at_s_;
  std::atomic<bool> ended_ = false;
  std::atomic<std::int64_t> gang_ = 0, dissolved_ = -1;
  std::atomic<std::int64_t> signs_ = 0, step_ = 0, steps_ = 0;
  std::atomic<double> loss_ = 0, patience_s_ = kPrepare_s;
  double last_step_at_s_ = 0, longest_step_s_ = 0;  // of the training thread alone
  std::jthread thread_;                             // last: it ends before what it uses
};

}  // namespace peftgrid::worker
