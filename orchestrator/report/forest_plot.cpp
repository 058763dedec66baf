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
  explicit Forest(const Scale& scale) : scale_(scale) {}

  void heading(const std::string& text) { label(text); }
  void line(const std::string& text, const Against& against) {
    label(text);
    intervals_ += fmt::format("{} {} {} {}\n", drawn(against.comparison.difference), -lines_ + 1,
                              drawn(against.joint.low), drawn(against.joint.high));
    for (std::size_t i = 0; i < std::min(kMostDots, against.by_seed.size()); ++i)
      seeds_ += fmt::format("{} {}\n", drawn(against.by_seed[i]), -lines_ + 1);
  }
  bool empty() const { return intervals_.empty(); }
  int height() const { return kFrameHeight + kLineHeight * lines_; }

  /// `axis`: what stands below.
  std::string script(const std::string& title, const std::string& axis, double margin) const {
    std::string text = "reset\nset title " + quoted(title) + "\nset xlabel " + quoted(axis) + " offset 0,0.5\n";
    text += fmt::format(
        "set yrange [{}:1]\nset ytics ({}) nomirror\nset xtics nomirror\nset border 3\nset grid xtics lc rgb "
        "'#dddddd'\n"
        "set tics out\nset key below height 1.5\nset offsets graph 0.03, graph 0.03, 0, 0\n",
        -lines_, tics_);
    if (margin > 0) {
      text += fmt::format(
          "set object 1 rectangle from {}, graph 0 to {}, graph 1 behind fc rgb '#eeeeee' fs solid noborder\n",
          drawn(-margin), drawn(margin));
    }
    text += "set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb '#555555'\n";
    text += "$intervals << END\n" + intervals_ + "END\n$seeds << END\n" + seeds_ + "END\n";
    text += "plot $intervals using 1:2:3:4 with xerrorbars lc rgb '#0072B2' pt 7 ps 0.9 lw 2 title 'mean and range'";
    if (!seeds_.empty()) text += ", $seeds using 1:2 with points lc rgb '#D55E00' pt 6 ps 0.6 title 'single seeds'";
    return text + "\n";
  }

 private:
  std::string drawn(double number) const { return fmt::format("{:.{}f}", scale_.shown(number), scale_.drawn_places()); }
  void label(const std::string& text) {
    tics_ += fmt::format("{}{} {}", tics_.empty() ? "" : ", ", quoted_tic(text), -lines_);
    ++lines_;
  }

  Scale scale_;
  std::string tics_, intervals_, seeds_;
  int lines_ = 0;
};

/// A line for each method that `against_of` knows; `heading` above them where it is not empty.
template <typename AgainstOf>
void add_lines(Forest& forest, const ScoreTable& table, const std::string& heading, AgainstOf against_of) {
  bool first = true;
  for (const MethodRow& row : table.rows) {
    const std::optional<Against>& against = against_of(row);
    if (!against) continue;
    if (first && !heading.empty()) forest.heading(heading);
    first = false;
    forest.line(row.label, *against);
  }
}

Plot plot_of(const Forest& forest, const ScoreTable& table, const std::string& title, const std::string& unit,
             double margin, const std::string& grey) {
  Plot plot;
  plot.height = forest.height();
  plot.caption = fmt::format(
      "Differences to {}, {}: means with their 95 % ranges, which hold together for a task; rings are single seeds{}",
      table.rules.baseline, title, grey);
  plot.script =
      forest.script(title, unit + " against " + table.rules.baseline + ", 95 % (all of a task together)", margin);
  return plot;
}

/// All columns in points, and their average.
void add_points(const ScoreTable& table, std::vector<Plot>& plots) {
  Forest forest{Scale()};
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].scale.in_points()) continue;
    add_lines(
        forest, table,
        table.columns.size() > 1 ? table.columns[i].heading : "", [&](const MethodRow& row) -> const auto& {
          return row.cells[i].verdict.against;
        });
  }
  add_lines(
      forest, table, "average", [](const MethodRow& row) -> const auto& { return row.on_average.against; });
  if (forest.empty()) return;
  plots.push_back(plot_of(forest, table, table.heading, "points", table.rules.margin,
                          ", grey is less than " + Scale().margin(table.rules.margin)));
}

void add_error(const ScoreTable& table, std::size_t index, std::vector<Plot>& plots) {
  const ScoreColumn& column = table.columns[index];
  Forest forest{column.differences};
  add_lines(
      forest, table, "", [&](const MethodRow& row) -> const auto& { return row.cells[index].verdict.against; });
  if (forest.empty()) return;
  const std::string title = table.heading + ", " + column.heading + ", " + column.metric;
  plots.push_back(plot_of(forest, table, title, (column.in_logs ? "nats a token" : column.metric) + ", + is better,",
                          column.margin,
                          column.margin > 0 ? ", grey is less than " + column.differences.margin(column.margin) : ""));
}

}  // namespace

std::vector<Plot> forest_plots(const ScoreTable& table) {
  std::vector<Plot> plots;
  add_points(table, plots);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].scale.in_points()) add_error(table, i, plots);
  }
  return plots;
}

}  // namespace peftgrid::orchestrator
