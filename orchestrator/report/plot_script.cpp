#include "orchestrator/report/plot_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

// Okabe and Ito's colours, which colour-blind readers can tell apart too; point shapes repeat the distinction.
constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                 "#E69F00", "#56B4E9", "#444444", "#8C564B"};
constexpr std::array kShapes = {7, 5, 9, 11, 13};  // filled; each one's hollow form is the number before

struct Reach {
  double low = std::numeric_limits<double>::infinity(), high = -low;
};

Reach reach_of_dots(const Chart& chart) {
  Reach reach;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      reach.low = std::min(reach.low, point.y);
      reach.high = std::max(reach.high, point.y);
    }
  }
  return reach;
}

constexpr double kFarApart = 20;  // times: on an axis without powers the smaller ones would lie on one line

bool has_axis_of_powers(const Chart& chart) {
  const Reach reach = reach_of_dots(chart);
  return chart.in_logs && reach.low > 0 && reach.high > kFarApart * reach.low;
}

/// Bars may be cut, dots are not.
std::string range_of_powers(const Chart& chart, bool& level_inside) {
  const Reach dots = reach_of_dots(chart);
  const double margin = std::pow(dots.high / dots.low, 0.1), low = dots.low / margin, high = dots.high * margin;
  level_inside = chart.level && *chart.level > low && *chart.level < high;
  return fmt::format("set logscale y\nset format y '%g'\nset yrange [{:.6g}:{:.6g}]\n", low, high);
}

/// The dots decide the range, and bars as far as they are not many times as long as the dots lie apart: those of two
/// seeds are cut.
std::string range_of(const Chart& chart, bool& level_inside) {
  if (has_axis_of_powers(chart)) return range_of_powers(chart, level_inside);
  auto [low, high] = reach_of_dots(chart);
  double longest = 0;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) longest = std::max({longest, point.high - point.y, point.y - point.low});
  }
  const double apart = high - low, little = std::pow(10.0, 4 - chart.places);  // a point
  const double margin = std::clamp(1.1 * longest, std::max(little, 0.35 * apart), std::max(4 * little, apart));
  low = chart.in_logs ? std::max(low - margin, 0.0) : low - margin;
  high += margin;
  level_inside = chart.level && *chart.level > low && *chart.level < high;
  return fmt::format("set yrange [{:.{}f}:{:.{}f}]\n", low, chart.places, high, chart.places);
}

/// A number of the y axis; what is beyond all drawing is drawn as very large.
std::string number_text(const Chart& chart, double y) {
  constexpr double kBeyond = 1e300;
  const double drawn = std::clamp(y, -kBeyond, kBeyond);
  return chart.in_logs ? fmt::format("{:.7g}", drawn) : fmt::format("{:.{}f}", drawn, chart.places);
}

std::string data_of(const Chart& chart, const Series& series, const std::string& name, bool hollow) {
  std::string text = name + " << END\n";
  for (const Point& point : series.points) {
    if (point.hollow == hollow)
      text += fmt::format("{:.6f} {} {} {}\n", point.x, number_text(chart, point.y), number_text(chart, point.low),
                          number_text(chart, point.high));
  }
  return text + "END\n";
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) {
    if (c == '\'') safe += '\'';
    safe += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  }
  return safe + "'";
}

std::string quoted_tic(const std::string& text) {
  std::string format;
  for (const char c : text) format += c == '%' ? std::string("%%") : std::string(1, c);
  return orchestrator::quoted(format);
}

std::string slug(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    safe += byte < 128 && std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  return safe.substr(0, 40);
}

std::string script_of(const Chart& chart) {
  bool level_inside = false;
  std::string script = "reset\nset title " + quoted(chart.title) + "\nset xlabel " + quoted(chart.x_axis) +
                       " offset 0,0.5\nset ylabel " + quoted(chart.y_axis) +
                       "\nset key below height 1.5\nset grid ytics lc rgb '#dddddd'\nset border 3\n" +
                       "set tics nomirror\n" + chart.x_settings + range_of(chart, level_inside);
  std::string plots;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const Series& series = chart.series[i];
    const char* colour = kColours[series.style % kColours.size()];
    const int shape = kShapes[series.style % kShapes.size()];
    std::string title = "title " + quoted(series.label);
    for (const bool hollow : {false, true}) {
      if (std::ranges::none_of(series.points, [&](const Point& point) { return point.hollow == hollow; })) continue;
      const std::string name = fmt::format("${}{}", hollow ? 'h' : 's', i);
      script += data_of(chart, series, name, hollow);
      const char* style =
          hollow ? (chart.lines ? "linespoints" : "points") : (chart.lines ? "yerrorlines" : "yerrorbars");
      plots += fmt::format("{}{} using {} with {} lc rgb '{}' pt {} ps 0.9 lw 1.5 {}", plots.empty() ? "" : ", ", name,
                           hollow ? "1:2" : "1:2:3:4", style, colour, hollow ? shape - 1 : shape, title);
      title = "notitle";
    }
  }
  if (level_inside) {
    plots += fmt::format(", {} with lines dt 2 lc rgb '#888888' title {}", number_text(chart, *chart.level),
                         quoted(chart.level_label));
  }
  return script + "plot " + plots + "\n";
}

int height_of(const Chart& chart) {
  constexpr std::size_t kLegendWidth = 560, kCharacter = 9, kSample = 60;
  constexpr int kFrame = 420, kLine = 24;
  std::size_t longest = chart.level_label.size();
  for (const Series& series : chart.series) longest = std::max(longest, worker::count_characters(series.label));
  const std::size_t columns = std::max<std::size_t>(1, kLegendWidth / (kCharacter * longest + kSample));
  return kFrame + kLine * static_cast<int>((chart.series.size() + columns) / columns);
}

}  // namespace peftgrid::orchestrator
