#include "orchestrator/report/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace peftgrid::orchestrator {
namespace {

/// Rounded to one place, without a minus in front of zero.
double rounded(double score) {
  const double value = std::round(score * 1000) / 10;
  return value == 0 ? 0 : value;
}

}  // namespace

std::string hundredfold(double score) {
  return fmt::format("{:.1f}", rounded(score));
}
std::string signed_hundredfold(double difference) {
  return fmt::format("{:+.1f}", rounded(difference));
}

std::string summary_text(const Summary& summary) {
  if (!summary.sd) return fmt::format("{} ({})", hundredfold(summary.mean), summary.n);
  return fmt::format("{} ± {} ({})", hundredfold(summary.mean), hundredfold(*summary.sd), summary.n);
}

std::string estimate_text(const Estimate& estimate) {
  const std::string difference = signed_hundredfold(estimate.difference);
  if (!estimate.interval) return fmt::format("{} ({})", difference, estimate.n);
  return fmt::format("{} [{}, {}] ({})", difference, signed_hundredfold(estimate.interval->low),
                     signed_hundredfold(estimate.interval->high), estimate.n);
}

std::string state_name(ScoreCell::State state) {
  switch (state) {
    case ScoreCell::State::Empty:
      return "none";
    case ScoreCell::State::Scored:
      return "scored";
    case ScoreCell::State::Missing:
      return "missing";
    case ScoreCell::State::Failed:
      return "failed";
    case ScoreCell::State::Hole:
      return "not applicable";
    case ScoreCell::State::Diverged:
      return "diverged";
    case ScoreCell::State::Undefined:
      return "undefined";
  }
  return "none";
}

std::string cell_text(const ScoreCell& cell) {
  if (cell.state == ScoreCell::State::Scored) return summary_text(cell.summary);
  return cell.state == ScoreCell::State::Empty ? "–" : state_name(cell.state);
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(std::abs(number));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return (number < 0 ? "-" : "") + digits;
}

std::string range_text(std::int64_t low, std::int64_t high) {
  return low == high ? grouped(low) : grouped(low) + "–" + grouped(high);
}

std::string bytes_text(double bytes) {
  if (bytes < 1e4) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1e8) return fmt::format("{:.2f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

std::string rates_text(const std::vector<double>& rates) {
  std::vector<std::string> texts;
  for (const double rate : rates) texts.push_back(fmt::format("{}", rate));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string size_text(std::int64_t train_size) {
  return train_size == 0 ? "all training rows" : grouped(train_size) + " training rows";
}

std::string note_mark(std::size_t note) {
  std::string mark;
  for (std::size_t rest = note + 1; rest > 0; rest = (rest - 1) / 26) {
    mark.insert(mark.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return mark;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string majority_text(const ScoreColumn& column) {
  return column.majority ? hundredfold(*column.majority) : "–";
}
std::string sampling_text(const ScoreColumn& column) {
  return column.sampling_error ? "± " + hundredfold(*column.sampling_error) : "–";
}

std::vector<std::string> legend(const ScoreTable& table) {
  std::vector<std::string> lines = {
      "Mean ± standard deviation over seeds (number of seeds), × 100. Bold: the best of its column, and whatever the "
      "seeds and test rows cannot tell apart from it: nearer than the 95 % t interval of the seeds' noise, pooled over "
      "the column's methods, and the sampling error together explain (not corrected for the number of comparisons). A "
      "cell with a diverged seed is never marked."};
  std::vector<std::string> binomial, bootstrapped, dev;
  for (const ScoreColumn& column : table.columns) {
    if (column.sampling_error) (column.bootstrapped ? bootstrapped : binomial).push_back(column.heading);
    if (column.test_is_dev) dev.push_back(column.heading);
  }
  std::string sampling = "Sampling error: the standard error that the test set's size alone gives one score";
  if (!binomial.empty()) sampling += "; binomial for " + listed(binomial);
  if (!bootstrapped.empty())
    sampling += "; from 200 resamplings of the rows (mean over seeds) for " + listed(bootstrapped);
  if (!binomial.empty() || !bootstrapped.empty()) lines.push_back(sampling + ".");
  if (!dev.empty()) {
    lines.push_back(listed(dev) + ": test is the official dev set, since the test labels of GLUE are secret.");
  }
  return lines;
}

}  // namespace peftgrid::orchestrator
