#include "orchestrator/display/live_display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "orchestrator/clock.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/output.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::TrialOutcome;
using worker::TrialSpec;

constexpr double kRedraw_s = 0.25;
const std::string kLost = "lost: ";

class LiveDisplay : public Display {
 public:
  LiveDisplay(const Grid& grid, const std::vector<std::string>& already_there, int ranks)
      : ranks_(static_cast<std::size_t>(ranks)) {
    for (const Cell& cell : grid.cells) {
      left_of_cell_[cell.id] = static_cast<std::int64_t>(cell.trials.size());
    }
    for (const TrialSpec& spec : grid.trials) {
      if (std::find(already_there.begin(), already_there.end(), spec.id) != already_there.end()) settle(spec.cell);
    }
  }

  void started(int rank, const TrialSpec& spec) override {
    ranks_[static_cast<std::size_t>(rank)] = {trial_text(spec), 0, 0, std::nan("")};
  }
  void progress(int rank, std::int64_t step, std::int64_t steps, double loss) override {
    Line& line = ranks_[static_cast<std::size_t>(rank)];
    line.step = step;
    line.steps = steps;
    line.loss = loss;
  }
  void ended(int rank, const TrialSpec& spec, const TrialOutcome& outcome) override {
    ranks_[static_cast<std::size_t>(rank)] = {};
    if (outcome.state == TrialOutcome::State::Failed) notes_.push_back(trial_text(spec) + " failed: " + outcome.reason);
    if (outcome.state == TrialOutcome::State::Diverged) {
      notes_.push_back(trial_text(spec) + " diverged: " + outcome.reason);
    }
    if (outcome.state == TrialOutcome::State::Done || outcome.state == TrialOutcome::State::Diverged) settle(spec.cell);
  }

  void idle(int rank) override { ranks_[static_cast<std::size_t>(rank)] = {}; }

  void lost(int rank, const std::string& host, const std::string& why) override {
    ranks_[static_cast<std::size_t>(rank)] = {kLost + why, 0, 0, std::nan("")};
    notes_.push_back(loss_text(rank, host, why));
  }
  void note(const std::string& text) override { notes_.push_back(text); }

  void show(const Overview& o, bool last) override {
    if (!last && now_s() - drawn_ < kRedraw_s) return;
    drawn_ = now_s();
    const TerminalSize size = terminal_size();
    std::string text = start_of_drawing(size);
    for (; notes_shown_ < notes_.size(); ++notes_shown_) {  // these scroll away above the display
      text += "\x1b[K" + worker::shown(notes_[notes_shown_]) + "\n";
    }
    std::vector<std::string> lines = head(o, size.columns);
    if (!last) add_ranks(lines, size.lines - static_cast<int>(lines.size()) - 2, size.columns - 1);
    for (std::string& line : lines) text += "\x1b[K" + cut(worker::shown(line), size.columns - 1) + "\n";
    text += "\x1b[J";
    lines_drawn_ = lines.size();
    draw(text);
    flush_output();
  }

 private:
  struct Line {
    std::string trial;
    std::int64_t step = 0, steps = 0;
    double loss = 0;
  };

  /// Where a terminal has become smaller, nobody knows where it has put the lines that were drawn: it is cleared, and
  /// all notes are said again.
  std::string start_of_drawing(const TerminalSize& size) {
    const bool smaller = lines_drawn_ > 0 && (size.columns < size_.columns || size.lines < size_.lines);
    size_ = size;
    if (smaller) {
      notes_shown_ = 0;
      return "\x1b[2J\x1b[H";
    }
    return lines_drawn_ > 0 ? fmt::format("\x1b[{}A\r", lines_drawn_) : "";
  }

  void settle(const std::string& cell) {
    if (--left_of_cell_[cell] == 0) ++cells_done_;
  }

  std::vector<std::string> head(const Overview& o, int columns) const {
    const int width = std::clamp(columns - 60, 10, 40);
    const double share = o.total > 0 ? static_cast<double>(o.done + o.failed) / static_cast<double>(o.total) : 1;
    const int filled = static_cast<int>(share * width);
    std::string bar;
    for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
    return {fmt::format("{} {} done, {} running, {} failed of {}", bar, o.done, o.running, o.failed, o.total),
            fmt::format("cells {}/{}   {} so far{}", cells_done_, left_of_cell_.size(), duration_text(o.elapsed_s),
                        o.running > 0 ? ", about " + duration_text(o.left_s) + " left" : "")};
  }

  void add_ranks(std::vector<std::string>& lines, int room, int columns) const {
    int left_out = 0;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      const Line& line = ranks_[r];
      if (static_cast<int>(r) >= room) {
        left_out += line.trial.empty() ? 0 : 1;
        continue;
      }
      const std::string rank = fmt::format("rank {:>3}  ", r);
      const std::string stands = line.trial.empty() ? "-" : state_of(line);
      const int named = columns - static_cast<int>(rank.size() + stands.size());
      lines.push_back(rank + shortened(worker::shown(line.trial), named) + stands);
    }
    if (left_out > 0) lines.push_back(fmt::format("and {} more at work", left_out));
  }

  static std::string state_of(const Line& line) {
    if (line.steps == 0) return line.trial.starts_with(kLost) ? "" : "  starting";
    if (std::isnan(line.loss)) return "  " + resumption_text(line.step, line.steps);
    return fmt::format("  step {}/{}  loss {:.3f}", line.step, line.steps, line.loss);
  }

  static std::string shortened(const std::string& text, int columns) {
    std::string shorter = cut(text, columns);
    return shorter == text ? text : cut(text, std::max(0, columns - 1)) + "…";
  }

  /// Cut to a number of columns; bytes that continue a character take none.
  static std::string cut(const std::string& text, int columns) {
    int taken = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
      if (taken++ == columns) return text.substr(0, i);
    }
    return text;
  }

  std::vector<Line> ranks_;
  std::map<std::string, std::int64_t> left_of_cell_;
  std::int64_t cells_done_ = 0;
  std::vector<std::string> notes_;
  std::size_t notes_shown_ = 0, lines_drawn_ = 0;
  TerminalSize size_;
  double drawn_ = 0;
};

}  // namespace

std::unique_ptr<Display> make_live_display(const Grid& grid, const std::vector<std::string>& already_there, int ranks) {
  return std::make_unique<LiveDisplay>(grid, already_there, ranks);
}

}  // namespace peftgrid::orchestrator
