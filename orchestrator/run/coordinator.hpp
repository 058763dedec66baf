#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectives/mailbox.hpp"
#include "orchestrator/display/display.hpp"
#include "orchestrator/run/end_estimate.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/liveness.hpp"
#include "orchestrator/run/peers.hpp"
#include "orchestrator/run/storage_watch.hpp"
#include "orchestrator/schedule/scheduler.hpp"
#include "worker/service/messages.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// Hands out trials and hears outcomes: a thread in rank 0, on a line of its own. Everything that
/// happens goes to the journal before it is acted on further; what is done is what trials/ holds. A rank that dies or
/// falls silent loses its trial to another one; the rest goes on.
class Coordinator {
 public:
  struct Job {
    const worker::TrialSpec* spec;
    double predicted_s;       // on as many ranks as the trial is wide
    std::int64_t deaths = 0;  // of ranks that worked on it, in earlier starts
  };
  struct Hooks {
    std::function<bool()> stop;                            // the run is to end early
    std::function<bool(const std::string&)> is_published;  // a trial's file is there
    bool wait_for_storage = true;                          // where the disk refuses what is finished; else stop
  };
  /// `jobs` in the order in which they are to be started.
  Coordinator(collectives::Mailbox& line, Peers& peers, std::vector<Job> jobs, Journal& journal, Display& display,
              Hooks hooks);

  /// Until no trial is left and `dismiss` was called, or the run is stopped. Rank 0 is told to end when no trial is
  /// left, the others when dismissed; ranks that do not answer a stop are given kStopPatience_s. Throws CommError when
  /// rank 0's own worker is stuck: then nobody can go on.
  void run();
  /// The report is written: everybody may go. From any thread.
  void dismiss() { dismissed_ = true; }

  /// The run was stopped early.
  bool stopped() const { return stopped_; }
  /// What came of it. To be asked when run() has returned, or when rank 0's worker was told to end and nothing stopped
  /// the run: it does not change then.
  struct Tally {
    std::int64_t done = 0, diverged = 0, failed = 0, not_run = 0;
    std::int64_t lost_ranks = 0;
  };
  Tally tally() const { return tally_; }

  static constexpr double kStopPatience_s = 0.5;
  static constexpr double kAlive_s = 2;       // between two signs of life to the ranks
  static constexpr std::int64_t kDeaths = 3;  // a trial that cost so many ranks is given up

 private:
  struct Rank {
    std::optional<std::int64_t> gang;  // what it works on
    bool ended = false, lost = false;
  };
  struct RunningGang {
    std::size_t job;
    std::vector<int> ranks;
    double since_s;
  };

  void hear(const collectives::Letter& letter);
  void start(const std::vector<Scheduler::Start>& starts);
  void finished(int rank, const worker::Report& report);
  void finished_late(const worker::TrialOutcome& outcome);
  void record(std::size_t job, const std::vector<int>& ranks, const worker::TrialOutcome& outcome);
  void dissolve(std::int64_t gang, int but_rank);
  void look_for_losses();
  void lose(int rank, const std::string& why);
  void reconsider(std::size_t job, const std::string& why);
  void stop();
  void end(int rank);
  void end_all();
  bool no_trial_left() const;
  bool over() const;
  void show(bool last);
  /// The display counts the time left down from there, and so does `status`, which reads it in the journal.
  void estimate_end();
  void send(int rank, const worker::ToWorker& message);

  collectives::Mailbox& line_;
  Peers& peers_;
  std::vector<Job> jobs_;
  std::map<std::string, std::size_t> job_of_;  // by trial id
  Scheduler scheduler_;
  Liveness liveness_;
  std::vector<Rank> ranks_;
  std::map<std::int64_t, RunningGang> gangs_;
  std::int64_t next_gang_ = 1;
  Journal& journal_;
  Display& display_;
  Hooks hooks_;
  StorageWatch storage_;
  Tally tally_;
  std::atomic<bool> dismissed_ = false, stopped_ = false;
  double stop_since_s_ = 0, begin_s_, alive_sent_s_ = 0;
  EndEstimate end_;
  bool display_ended_ = false;
};

}  // namespace peftgrid::orchestrator
