#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/plot_script.hpp"
#include "orchestrator/report/plots.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr std::size_t kMostDots = 10;
constexpr int kLineHeight = 26, kFrameHeight = 210;

/// The lines of a forest plot, from the top: texts beside the axis, and the data of those that have an interval.
class Forest {
 public:
  void heading(const std::string& text) { label(text); }
  void line(const std::string& text, const Against& against) {
    label(text);
    intervals_ += fmt::format("{:.4f} {} {:.4f} {:.4f}\n", 100 * against.comparison.difference, -lines_ + 1,
                              100 * against.joint.low, 100 * against.joint.high);
    for (std::size_t i = 0; i < std::min(kMostDots, against.by_seed.size()); ++i)
      seeds_ += fmt::format("{:.4f} {}\n", 100 * against.by_seed[i], -lines_ + 1);
  }
  bool empty() const { return intervals_.empty(); }
  int height() const { return kFrameHeight + kLineHeight * lines_; }

  std::string script(const std::string& title, const std::string& baseline, double margin) const {
    std::string text = "reset\nset title " + quoted(title) + "\nset xlabel " +
                       quoted("points against " + baseline + ", 95 % (all of a task together)") + " offset 0,0.5\n";
    text += fmt::format(
        "set yrange [{}:1]\nset ytics ({}) nomirror\nset xtics nomirror\nset border 3\nset grid xtics lc rgb "
        "'#dddddd'\n"
        "set tics out\nset key below height 1.5\nset offsets graph 0.03, graph 0.03, 0, 0\n"
        "set object 1 rectangle from {:.4f}, graph 0 to {:.4f}, graph 1 behind fc rgb '#eeeeee' fs solid noborder\n"
        "set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb '#555555'\n",
        -lines_, tics_, -100 * margin, 100 * margin);
    text += "$intervals << END\n" + intervals_ + "END\n$seeds << END\n" + seeds_ + "END\n";
    text += "plot $intervals using 1:2:3:4 with xerrorbars lc rgb '#0072B2' pt 7 ps 0.9 lw 2 title 'mean and range'";
    if (!seeds_.empty()) text += ", $seeds using 1:2 with points lc rgb '#D55E00' pt 6 ps 0.6 title 'single seeds'";
    return text + "\n";
  }

 private:
  void label(const std::string& text) {
    tics_ += fmt::format("{}{} {}", tics_.empty() ? "" : ", ", quoted(text), -lines_);
    ++lines_;
  }

  std::string tics_, intervals_, seeds_;
  int lines_ = 0;
};

}  // namespace

std::optional<Plot> forest_plot(const ScoreTable& table) {
  Forest forest;
  const auto add = [&](const std::string& heading, auto against_of) {
    bool first = true;
    for (const MethodRow& row : table.rows) {
      const std::optional<Against>& against = against_of(row);
      if (!against) continue;
      if (first && table.columns.size() > 1) forest.heading(heading);
      first = false;
      forest.line(row.label, *against);
    }
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    add(
        table.columns[i].heading, [&](const MethodRow& row) -> const auto& { return row.cells[i].verdict.against; });
  }
  add(
      "average", [](const MethodRow& row) -> const auto& { return row.on_average.against; });
  if (forest.empty()) return std::nullopt;
  Plot plot;
  plot.height = forest.height();
  plot.caption = fmt::format(
      "Differences to {}, {}: means with their 95 % ranges, which hold together for a task; rings are single seeds, "
      "grey is less than {}",
      table.rules.baseline, table.heading, margin_text(table.rules.margin));
  plot.script = forest.script(table.heading, table.rules.baseline, table.rules.margin);
  return plot;
}

}  // namespace peftgrid::orchestrator
