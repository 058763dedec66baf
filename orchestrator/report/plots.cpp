#include "orchestrator/report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

// Okabe and Ito's colours, which colour-blind readers can tell apart too; point shapes repeat the distinction.
constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                 "#E69F00", "#56B4E9", "#444444", "#8C564B"};
constexpr std::array kShapes = {7, 5, 9, 11, 13, 6, 4, 8, 10, 12};

struct Point {
  double x = 0, mean = 0, low = 0, high = 0;
};
struct Series {
  std::string label;
  std::size_t style = 0;  // the same for a method in every plot
  std::vector<Point> points;
};

/// A gnuplot string that nothing is read into: single quotes know no escapes but their own doubling.
std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) {
    if (c == '\'') safe += '\'';
    safe += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  }
  return safe + "'";
}

std::string slug(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    safe += byte < 128 && std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  return safe.substr(0, 40);
}

Point point_at(double x, const ScoreCell& cell) {
  std::vector<double> values;
  for (const auto& [seed, value] : cell.scores) values.push_back(100 * value);
  const double mean = summarize(values).mean;
  const auto interval = mean_interval(values);
  return {x, mean, interval ? interval->low : mean, interval ? interval->high : mean};
}

/// The means decide the range: with two or three seeds the intervals may be many times as wide, and are cut.
std::string range_of(const std::vector<Series>& all, std::optional<double> majority, bool& majority_inside) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Series& series : all) {
    for (const Point& point : series.points) {
      low = std::min(low, point.mean);
      high = std::max(high, point.mean);
    }
  }
  const double margin = std::max(1.0, 0.35 * (high - low));
  low -= margin;
  high += margin;
  majority_inside = majority && *majority > low && *majority < high;
  return fmt::format("set yrange [{:.4f}:{:.4f}]\n", low, high);
}

std::string script_of(const std::string& title, const std::string& x_axis, const std::string& y_axis,
                      const std::string& x_settings, const std::vector<Series>& all, std::optional<double> majority,
                      const char* style) {
  bool majority_inside = false;
  std::string script = "reset\nset title " + quoted(title) + "\nset xlabel " + quoted(x_axis) +
                       " offset 0,0.5\nset ylabel " + quoted(y_axis) +
                       "\nset key below height 1.5\nset grid ytics lc rgb '#dddddd'\nset border 3\n" +
                       "set tics nomirror\n" + x_settings + range_of(all, majority, majority_inside);
  std::string plots;
  for (std::size_t i = 0; i < all.size(); ++i) {
    script += fmt::format("$s{} << END\n", i);
    for (const Point& point : all[i].points) {
      script += fmt::format("{:.6f} {:.4f} {:.4f} {:.4f}\n", point.x, point.mean, point.low, point.high);
    }
    script += "END\n";
    plots += fmt::format("{}$s{} using 1:2:3:4 with {} lc rgb '{}' pt {} ps 0.9 lw 1.5 title {}", i == 0 ? "" : ", ", i,
                         style, kColours[all[i].style % kColours.size()], kShapes[all[i].style % kShapes.size()],
                         quoted(all[i].label));
  }
  if (majority_inside)
    plots += fmt::format(", {:.4f} with lines dt 2 lc rgb '#888888' title 'majority class'", *majority);
  return script + "plot " + plots + "\n";
}

class Planner {
 public:
  explicit Planner(const ReportModel& model) : model_(model) {
    for (const ScoreTable& table : model.tables) {
      for (const MethodRow& row : table.rows) {
        if (std::find(methods_.begin(), methods_.end(), row.label) == methods_.end()) methods_.push_back(row.label);
      }
    }
  }

  std::vector<Plot> plan() {
    std::vector<std::string> seen;
    for (const ScoreTable& table : model_.tables) {
      for (const ScoreColumn& column : table.columns) {
        const std::string key = table.backbone + "\n" + column.heading + "\n" + column.metric;
        if (column.metric.empty() || std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
        seen.push_back(key);
        add_size_plot(table.backbone, column);
        add_parameter_plot(table.backbone, column);
      }
    }
    return std::move(plots_);
  }

 private:
  /// The tables of a backbone that have scores in this column, with the column's place in each.
  std::vector<std::pair<const ScoreTable*, std::size_t>> places(const std::string& backbone,
                                                                const ScoreColumn& column) const {
    std::vector<std::pair<const ScoreTable*, std::size_t>> found;
    for (const ScoreTable& table : model_.tables) {
      if (table.backbone != backbone) continue;
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const bool same = table.columns[i].heading == column.heading && table.columns[i].metric == column.metric;
        const auto scored = [&](const MethodRow& row) { return row.cells[i].state == ScoreCell::State::Scored; };
        if (same && std::any_of(table.rows.begin(), table.rows.end(), scored)) found.emplace_back(&table, i);
      }
    }
    return found;
  }

  std::size_t style_of(const std::string& label) const {
    return static_cast<std::size_t>(
        std::distance(methods_.begin(), std::find(methods_.begin(), methods_.end(), label)));
  }

  void add(const std::string& kind, const std::string& backbone, const ScoreColumn& column, std::string caption,
           std::string script) {
    std::string name = kind + "-" + slug(backbone) + "-" + slug(column.heading);
    for (int copy = 2; !names_.insert(name).second; ++copy) {
      name = fmt::format("{}-{}-{}-{}", kind, slug(backbone), slug(column.heading), copy);
    }
    plots_.push_back({"plots/" + name + ".svg", std::move(caption), std::move(script), ""});
  }

  void add_size_plot(const std::string& backbone, const ScoreColumn& column) {
    const auto tables = places(backbone, column);
    if (tables.size() < 2) return;
    double largest = 0;
    for (const auto& [table, index] : tables) largest = std::max(largest, static_cast<double>(table->train_size));
    std::string tics;
    std::vector<Series> all;
    for (const std::string& label : methods_) all.push_back({label, style_of(label), {}});
    for (const auto& [table, index] : tables) {
      // "All rows" has no number here: it stands a fixed step to the right of the largest size.
      const double x = table->train_size == 0 ? std::log10(std::max(largest, 10.0)) + 0.5
                                              : std::log10(static_cast<double>(table->train_size));
      tics += fmt::format("{}'{}' {:.6f}", tics.empty() ? "" : ", ",
                          table->train_size == 0 ? "all" : std::to_string(table->train_size), x);
      for (const MethodRow& row : table->rows) {
        if (row.cells[index].state != ScoreCell::State::Scored) continue;
        all[style_of(row.label)].points.push_back(point_at(x, row.cells[index]));
      }
    }
    std::erase_if(all, [](const Series& series) { return series.points.empty(); });
    for (std::size_t i = 0; i < all.size(); ++i) {
      // Side by side, so that the bars of one size do not hide each other.
      for (Point& point : all[i].points)
        point.x += 0.012 * (static_cast<double>(i) - static_cast<double>(all.size() - 1) / 2);
    }
    const std::string caption =
        fmt::format("{}: {} against the number of training rows, {}; bars are 95 % t intervals over seeds",
                    column.heading, column.metric, backbone);
    add("size", backbone, column, caption,
        script_of(column.heading + ", " + backbone, "training rows", column.metric + " x 100",
                  "set xtics (" + tics + ")\nset offsets graph 0.05, graph 0.05, 0, 0\n", all, hundred(column.majority),
                  "yerrorlines"));
  }

  void add_parameter_plot(const std::string& backbone, const ScoreColumn& column) {
    const auto tables = places(backbone, column);
    if (tables.empty()) return;
    const auto& [table, index] = tables.back();
    std::vector<Series> all;
    for (const MethodRow& row : table->rows) {
      if (row.cells[index].state != ScoreCell::State::Scored || row.costs.with_head_high <= 0) continue;
      all.push_back({row.label,
                     style_of(row.label),
                     {point_at(static_cast<double>(row.costs.with_head_high), row.cells[index])}});
    }
    if (all.size() < 2) return;
    const std::string caption = fmt::format(
        "{}: {} against the number of trained parameters (with the head), {}; bars are 95 % t intervals over seeds",
        column.heading, column.metric, table->heading);
    add("parameters", backbone, column, caption,
        script_of(column.heading + ", " + table->heading, "trained parameters, with the head", column.metric + " x 100",
                  "set logscale x\nset format x '%.0s%c'\nset offsets graph 0.05, graph 0.05, 0, 0\n", all,
                  hundred(table->columns[index].majority), "yerrorbars"));
  }

  static std::optional<double> hundred(std::optional<double> score) {
    return score ? std::optional<double>(100 * *score) : std::nullopt;
  }

  const ReportModel& model_;
  std::vector<std::string> methods_;
  std::set<std::string> names_;
  std::vector<Plot> plots_;
};

}  // namespace

std::vector<Plot> plan_plots(const ReportModel& model) {
  return Planner(model).plan();
}

}  // namespace peftgrid::orchestrator
