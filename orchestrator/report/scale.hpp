#pragma once

#include <string>

namespace peftgrid::orchestrator {

/// How the numbers of a metric are written: scores times 100, in points, to one place; errors as they are, to three
/// digits of what is usual in their column, very large and very small ones with a power of ten: "2.21e12". A number
/// that is far from what is usual there is written by its own size.
class Scale {
 public:
  /// Points.
  Scale() = default;
  /// The label's units, for numbers of about this size.
  static Scale units(double usual);
  /// Differences of a perplexity's logarithm: nats a token.
  static Scale nats();

  bool in_points() const { return in_points_; }
  /// As it is drawn: times 100 where in points.
  double shown(double number) const { return in_points_ ? 100 * number : number; }

  /// Decimal places of numbers that are drawn.
  int drawn_places() const;

  std::string number(double number) const;             // "84.2"; "0.731"
  std::string signed_number(double difference) const;  // "+1.3"; "-0.012"
  /// A mean that lies on a half of the last place has one place more: "68.25".
  std::string mean(double mean) const;
  /// Two digits: "24", "7.8"; "0.031".
  std::string about(double difference) const;
  /// With its unit, where it has one: "0.4 points"; "0.031".
  std::string amount(double difference) const;
  std::string margin(double margin) const;         // "1 point", "0.5 points"; "0.05"
  std::string margin_number(double margin) const;  // "1", "0.5"; "0.05"

 private:
  double steps() const;             // that a number of 1 has
  bool shows(double number) const;  // in the column's places: as more than nothing, in at most five digits
  std::string with_power(const std::string& digits) const;
  double rounded(double number) const;  // as shown, without a minus in front of zero

  bool in_points_ = true;
  int places_ = 1;
  const char* unit_ = "";  // behind an amount
  int power_ = 0;          // of ten, that all numbers of the column are multiples of
};

}  // namespace peftgrid::orchestrator
