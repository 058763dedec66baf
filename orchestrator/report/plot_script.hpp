#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// Pieces of gnuplot scripts. Numbers go into the scripts as data, names only as quoted, escaped texts.
namespace peftgrid::orchestrator {

/// A gnuplot string that nothing is read into: single quotes know no escapes but their own doubling.
std::string quoted(const std::string& text);
/// The same for a text beside an axis, which gnuplot reads as the format of a number.
std::string quoted_tic(const std::string& text);
/// Letters, digits and dashes: part of a file's name.
std::string slug(const std::string& text);

/// A dot with an interval where there is one; without one it is hollow.
struct Point {
  double x = 0, y = 0, low = 0, high = 0;
  bool hollow = false;
};
struct Series {
  std::string label;
  std::size_t style = 0;  // the same for a method in every plot
  std::vector<Point> points;
};
struct Chart {
  std::string title, x_axis, y_axis;
  std::string x_settings;  // gnuplot commands of our own
  std::vector<Series> series;
  int places = 4;               // of numbers on the y axis
  bool in_logs = false;         // y is compared by its logarithm: an axis of powers where dots lie far apart
  bool lines = false;           // joins a series' dots
  std::optional<double> level;  // a horizontal line, where it lies inside
  std::string level_label;
};
std::string script_of(const Chart& chart);
/// How high the drawing must be for the names below it to have room.
int height_of(const Chart& chart);

}  // namespace peftgrid::orchestrator
