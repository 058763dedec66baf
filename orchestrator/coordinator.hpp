#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "collectives/mailbox.hpp"
#include "orchestrator/display/display.hpp"
#include "orchestrator/journal.hpp"
#include "worker/messages.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// Hands out trials and hears outcomes: a thread in rank 0, on a line of its own (design.md 3.10). Everything that
/// happens goes to the journal before it is acted on further; what is done is what trials/ holds.
class Coordinator {
 public:
  struct Job {
    const worker::TrialSpec* spec;
    double predicted_s;
  };
  /// `jobs` in the order in which they are handed out; `stop` says that the run is to end early.
  Coordinator(collectives::Mailbox& line, int ranks, std::vector<Job> jobs, Journal& journal, Display& display,
              std::function<bool()> stop);

  /// Until every rank has been told to end and none is at work. Ranks that do not answer a stop are given
  /// kStopPatience_s.
  void run();

  /// What came of it.
  struct Tally {
    std::int64_t done = 0, diverged = 0, failed = 0, not_run = 0;
    bool stopped = false;
  };
  Tally tally() const { return tally_; }
  static constexpr double kStopPatience_s = 0.5;

 private:
  struct Rank {
    const Job* job = nullptr;
    bool waiting = false;  // has asked, has no answer yet
    bool ended = false;
  };
  void hear(const collectives::Letter& letter);
  void finished(int rank, const worker::TrialOutcome& outcome);
  void hand_out(int rank);
  void end(int rank);
  void end_all();
  bool over() const;
  void show(bool last);

  collectives::Mailbox& line_;
  std::vector<Job> jobs_;
  std::size_t next_ = 0;
  std::vector<Rank> ranks_;
  Journal& journal_;
  Display& display_;
  std::function<bool()> stop_;
  Tally tally_;
  double stop_since_ = 0, begin_ = 0;
  double predicted_done_ = 0, seconds_done_ = 0;  // of finished trials: how far predictions are off
};

}  // namespace peftgrid::orchestrator
