#include "orchestrator/report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "orchestrator/report/learning_curves.hpp"
#include "orchestrator/report/plot_script.hpp"

namespace peftgrid::orchestrator {
namespace {

std::optional<double> shown(const Scale& scale, std::optional<double> score) {
  return score ? std::optional<double>(scale.shown(*score)) : std::nullopt;
}

std::string axis_of(const ScoreColumn& column) {
  return column.metric + (column.scale.in_points() ? " x 100" : "");
}

Point score_point(double x, const ScoreCell& cell, const Scale& scale) {
  const double mean = scale.shown(cell.summary.mean);
  if (!cell.interval) return {x, mean, mean, mean, true};
  return {x, mean, scale.shown(cell.interval->low), scale.shown(cell.interval->high), false};
}

Point difference_point(double x, const Against& against, const Scale& scale) {
  return {x, scale.shown(against.comparison.difference), scale.shown(against.joint.low),
          scale.shown(against.joint.high), false};
}

constexpr std::size_t kMostLearningPlots = 24;

class Planner {
 public:
  explicit Planner(const ReportModel& model) : model_(model) {
    for (const ScoreTable& table : model.tables) {
      for (const MethodRow& row : table.rows) {
        if (std::ranges::find(methods_, row.label) == methods_.end()) methods_.push_back(row.label);
      }
    }
  }

  std::vector<Plot> plan() {
    for (const ScoreTable& table : model_.tables) {
      for (Plot& forest : forest_plots(table)) add("forest", table.heading, "", std::move(forest));
    }
    std::vector<std::string> seen;
    for (const ScoreTable& table : model_.tables) {
      for (const ScoreColumn& column : table.columns) {
        const std::string key = table.backbone + "\n" + column.heading + "\n" + column.metric;
        if (column.metric.empty() || std::ranges::find(seen, key) != seen.end()) continue;
        seen.push_back(key);
        add_size_plots(table.backbone, column);
        add_parameter_plot(table.backbone, column);
      }
    }
    for (const ScoreTable& table : model_.tables) add_learning_plots(table);
    return std::move(plots_);
  }

 private:
  using Places = std::vector<std::pair<const ScoreTable*, std::size_t>>;

  /// The tables of a backbone that have scores in this column, with the column's place in each.
  Places places(const std::string& backbone, const ScoreColumn& column) const {
    Places found;
    for (const ScoreTable& table : model_.tables) {
      if (table.backbone != backbone) continue;
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const bool same = table.columns[i].heading == column.heading && table.columns[i].metric == column.metric;
        const auto scored = [&](const MethodRow& row) { return row.cells[i].state == ScoreCell::State::Scored; };
        if (same && std::ranges::any_of(table.rows, scored)) found.emplace_back(&table, i);
      }
    }
    return found;
  }

  std::size_t style_of(const std::string& label) const {
    return static_cast<std::size_t>(std::distance(methods_.begin(), std::ranges::find(methods_, label)));
  }

  void add(const std::string& kind, const std::string& first, const std::string& second, Plot plot) {
    const std::string stem = kind + "-" + slug(first) + (second.empty() ? "" : "-" + slug(second));
    std::string name = stem;
    for (int copy = 2; !names_.insert(name).second; ++copy) name = fmt::format("{}-{}", stem, copy);
    plot.file = "plots/" + name + ".svg";
    plots_.push_back(std::move(plot));
  }

  /// One series a method: the points of the tables' cells that have one, at their training sizes.
  template <typename PointOf>
  Chart size_chart(const Places& tables, PointOf point_of) const {
    Chart chart;
    chart.lines = true;
    double largest = 0;
    for (const auto& [table, index] : tables) largest = std::max(largest, static_cast<double>(table->train_size));
    std::string tics;
    for (const std::string& label : methods_) chart.series.push_back({label, style_of(label), {}});
    for (const auto& [table, index] : tables) {
      // "All rows" has no number here: it stands a fixed step to the right of the largest size.
      const double x = table->train_size == 0 ? std::log10(std::max(largest, 10.0)) + 0.5
                                              : std::log10(static_cast<double>(table->train_size));
      tics += fmt::format("{}'{}' {:.6f}", tics.empty() ? "" : ", ",
                          table->train_size == 0 ? "all" : std::to_string(table->train_size), x);
      for (const MethodRow& row : table->rows) {
        const std::optional<Point> point = point_of(x, row.cells[index]);
        if (point) chart.series[style_of(row.label)].points.push_back(*point);
      }
    }
    std::erase_if(chart.series, [](const Series& series) { return series.points.empty(); });
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
      // Side by side, so that the bars of one size do not hide each other.
      for (Point& point : chart.series[i].points)
        point.x += 0.012 * (static_cast<double>(i) - static_cast<double>(chart.series.size() - 1) / 2);
    }
    chart.x_axis = "training rows";
    chart.x_settings = "set xtics (" + tics + ")\nset offsets graph 0.05, graph 0.05, 0, 0\n";
    return chart;
  }

  void add_size_plots(const std::string& backbone, const ScoreColumn& column) {
    const Places tables = places(backbone, column);
    if (tables.size() < 2) return;
    Chart scores = size_chart(tables, [&](double x, const ScoreCell& cell) -> std::optional<Point> {
      if (cell.state != ScoreCell::State::Scored) return std::nullopt;
      return score_point(x, cell, column.scale);
    });
    scores.title = column.heading + ", " + backbone;
    scores.y_axis = axis_of(column);
    scores.places = column.scale.drawn_places();
    scores.in_logs = column.in_logs;
    scores.level = shown(column.scale, column.majority);
    scores.level_label = "majority class";
    add("size", backbone, column.heading,
        plot_of(scores, fmt::format("{}: {} against the number of training rows, {}; bars are 95 % intervals of each "
                                    "score, cut at the frame",
                                    column.heading, column.metric, backbone)));
    Chart differences = size_chart(tables, [&](double x, const ScoreCell& cell) -> std::optional<Point> {
      if (!cell.verdict.against) return std::nullopt;
      return difference_point(x, *cell.verdict.against, column.differences);
    });
    if (differences.series.empty()) return;
    const std::string& baseline = tables.front().first->rules.baseline;
    differences.title = fmt::format("{}, {}: against {}", column.heading, backbone, baseline);
    differences.y_axis = column.scale.in_points() ? "points of " + column.metric
                                                  : (column.in_logs ? "nats a token" : column.metric) + ", + is better";
    differences.places = column.differences.drawn_places();
    differences.level = 0;
    differences.level_label = baseline;
    add("difference", backbone, column.heading,
        plot_of(differences,
                fmt::format("{}: difference to {} in {} against the number of training rows, {}; bars are 95 % "
                            "ranges that hold together for all methods of one size, cut at the frame",
                            column.heading, baseline, column.metric, backbone)));
  }

  void add_parameter_plot(const std::string& backbone, const ScoreColumn& column) {
    const Places tables = places(backbone, column);
    if (tables.empty()) return;
    const auto& [table, index] = tables.back();
    Chart chart;
    for (const MethodRow& row : table->rows) {
      if (row.cells[index].state != ScoreCell::State::Scored || row.costs.with_head.high <= 0) continue;
      const auto parameters = static_cast<double>(row.costs.with_head.high);
      chart.series.push_back(
          {row.label, style_of(row.label), {score_point(parameters, row.cells[index], column.scale)}});
    }
    if (chart.series.size() < 2) return;
    chart.title = column.heading + ", " + table->heading;
    chart.x_axis = "trained parameters, with the head";
    chart.y_axis = axis_of(column);
    chart.places = column.scale.drawn_places();
    chart.in_logs = column.in_logs;
    chart.x_settings = "set logscale x\nset format x '%.0s%c'\nset offsets graph 0.05, graph 0.05, 0, 0\n";
    chart.level = shown(column.scale, table->columns[index].majority);
    chart.level_label = "majority class";
    add("parameters", backbone, column.heading,
        plot_of(chart, fmt::format("{}: {} against the number of trained parameters (with the head), {}; bars are 95 % "
                                   "intervals of each score, cut at the frame",
                                   column.heading, column.metric, table->heading)));
  }

  void add_learning_plots(const ScoreTable& table) {
    for (const ScoreColumn& column : table.columns) {
      if (!column.main || column.metric.empty() || learning_plots_ >= kMostLearningPlots) continue;
      add_learning_plot(table, column, Curve::SelectionScore);
      add_learning_plot(table, column, Curve::TrainingLoss);
    }
  }

  void add_learning_plot(const ScoreTable& table, const ScoreColumn& column, Curve curve) {
    const bool loss = curve == Curve::TrainingLoss;
    Chart chart;
    chart.lines = true;
    for (LearningCurve& one : learning_curves(model_, table, column, curve))
      chart.series.push_back({one.label, style_of(one.label), std::move(one.points)});
    if (chart.series.empty()) return;
    ++learning_plots_;
    chart.title = column.heading + ", " + table.heading;
    chart.x_axis = "epochs";
    chart.y_axis = loss ? "training loss" : axis_of(column) + ", selection rows";
    chart.places = loss ? 6 : column.scale.drawn_places();
    chart.in_logs = !loss && column.in_logs;
    chart.x_settings = "set offsets graph 0.03, graph 0.03, 0, 0\n";
    const std::string what =
        loss ? "mean training loss since the evaluation before" : column.metric + " on the selection rows";
    add(loss ? "loss" : "learning", table.heading, column.heading,
        plot_of(chart, fmt::format("{}: {} by epochs, {}; means over the seeds, as far as all of them went",
                                   column.heading, what, table.heading)));
  }

  static Plot plot_of(const Chart& chart, std::string caption) {
    Plot plot;
    plot.caption = std::move(caption);
    plot.script = script_of(chart);
    plot.height = height_of(chart);
    return plot;
  }

  const ReportModel& model_;
  std::vector<std::string> methods_;
  std::set<std::string> names_;
  std::size_t learning_plots_ = 0;
  std::vector<Plot> plots_;
};

}  // namespace

std::vector<Plot> plan_plots(const ReportModel& model) {
  return Planner(model).plan();
}

}  // namespace peftgrid::orchestrator
