#include "orchestrator/display/display.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

#include "orchestrator/display/live_display.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/output.hpp"
#include "worker/catalogue.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::TrialOutcome;
using worker::TrialSpec;

void print_failure(const TrialSpec& spec, const TrialOutcome& outcome) {
  complain("{} failed: {}\n", trial_text(spec), outcome.reason);
}

std::string score_text(const TrialSpec& spec, double score) {
  return worker::find_metric(spec.task.metrics.front())->in_points() ? fmt::format("{:.1f}", 100 * score)
                                                                     : fmt::format("{:.3g}", score);
}

class QuietDisplay : public Display {
 public:
  void started(int, const TrialSpec&) override {}
  void progress(int, std::int64_t, std::int64_t, double) override {}
  void ended(int, const TrialSpec& spec, const TrialOutcome& outcome) override {
    if (outcome.state == TrialOutcome::State::Failed) print_failure(spec, outcome);
  }
  void idle(int) override {}
  void lost(int rank, const std::string& host, const std::string& why) override {
    complain("{}\n", loss_text(rank, host, why));
  }
  void note(const std::string& text) override { complain("{}\n", text); }
  void show(const Overview&, bool) override {}
};

/// Lines for a log: a trial's start is of no interest there, its end is, and that it goes on where it was.
class PlainDisplay : public Display {
 public:
  void started(int rank, const TrialSpec& spec) override { at_work_[rank] = trial_text(spec); }
  void progress(int rank, std::int64_t step, std::int64_t steps, double loss) override {
    const auto trial = at_work_.find(rank);
    if (!std::isnan(loss) || trial == at_work_.end()) return;
    latest_.push_back({fmt::format("rank {}: {} {}", rank, trial->second, resumption_text(step, steps))});
    // Ranks that train one trial together say it once.
    std::erase_if(at_work_, [text = trial->second](const auto& entry) { return entry.second == text; });
  }

  void ended(int rank, const TrialSpec& spec, const TrialOutcome& outcome) override {
    latest_.push_back(
        {fmt::format("rank {}: {}", rank, trial_text(spec)), outcome.state != TrialOutcome::State::Interrupted});
    std::string& line = latest_.back().text;
    switch (outcome.state) {
      case TrialOutcome::State::Done:
        if (!outcome.reason.empty()) {
          line += " " + outcome.reason;
          break;
        }
        line += std::isnan(outcome.metric)
                    ? fmt::format(", {} undefined, {}", spec.task.metrics.front(), duration_text(outcome.seconds))
                    : fmt::format(", {} {}, {}", spec.task.metrics.front(), score_text(spec, outcome.metric),
                                  duration_text(outcome.seconds));
        break;
      case TrialOutcome::State::Diverged:
        line += " diverged: " + outcome.reason;
        break;
      case TrialOutcome::State::Failed:
        line += " failed: " + outcome.reason;
        break;
      case TrialOutcome::State::Interrupted:
        line += " stopped; it will start again with the same command";
        break;
    }
  }

  void idle(int) override {}
  void lost(int rank, const std::string& host, const std::string& why) override {
    latest_.push_back({loss_text(rank, host, why)});
  }
  void note(const std::string& text) override { latest_.push_back({text}); }

  void show(const Overview& o, bool last) override {
    if (latest_.empty()) return;
    const std::time_t now = std::time(nullptr);
    // Several may have ended since; each line says how many had by then.
    auto ended = o.done + o.failed - std::ranges::count(latest_, true, &Line::ends_a_trial);
    for (const Line& line : latest_) {
      if (line.ends_a_trial) ++ended;
      say("{:%H:%M:%S} [{}/{}] {}{}\n", fmt::localtime(now), ended, o.total, line.text,
          last || o.left_s <= 0 ? "" : fmt::format("; about {} left", duration_text(o.left_s)));
    }
    flush_output();
    latest_.clear();
  }

 private:
  struct Line {
    std::string text;
    bool ends_a_trial = false;
  };
  std::vector<Line> latest_;
  std::map<int, std::string> at_work_;  // by rank; those that were not yet said to go on
};

}  // namespace

std::unique_ptr<Display> make_display(const std::string& kind, const Grid& grid,
                                      const std::vector<std::string>& already_there, int ranks) {
  if (kind == "live") return make_live_display(grid, already_there, ranks);
  if (kind == "quiet") return std::make_unique<QuietDisplay>();
  return std::make_unique<PlainDisplay>();
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string loss_text(int rank, const std::string& host, const std::string& why) {
  return fmt::format("rank {} on {} {}: {}", rank, host, why,
                     mpirun_ends_all_ranks() ? "mpirun without --enable-recovery ends the run; the same command goes on"
                                             : "the others go on, and a trial that it had starts again");
}

std::string resumption_text(std::int64_t step, std::int64_t steps) {
  return fmt::format("goes on at step {} of {}", step, steps);
}

std::string trial_text(const TrialSpec& spec) {
  if (worker::is_untrained(spec.method.name))
    return fmt::format("{} {} {}", spec.backbone.name, spec.task.name, spec.label);
  const std::string size = spec.train_size == 0 ? "all" : std::to_string(spec.train_size);
  return fmt::format("{} {} {} K={} seed {}", spec.backbone.name, spec.task.name, spec.label, size, spec.seed);
}

}  // namespace peftgrid::orchestrator
