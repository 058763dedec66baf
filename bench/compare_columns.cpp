// Compares made-up columns by the report's own code: bench/false_claims.py writes them to standard input as
// "methods seeds rows\n" and methods x seeds x rows characters, 1 for a right row and 0 for a wrong one, one column
// after the other; method 0 is the baseline. For each column a line: how many joint intervals leave 0 out, how many
// methods are not starred, the mean half width of the joint intervals in points (0 where nothing is compared).
#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "orchestrator/report/paired_column.hpp"
#include "orchestrator/report/verdict.hpp"

namespace {

using namespace peftgrid::orchestrator;

PairedColumn read_column(std::istream& in, std::size_t methods, std::size_t seeds, std::size_t rows) {
  std::vector<ScoredRun> runs;
  for (std::size_t method = 0; method < methods; ++method) {
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      std::string text(rows, '0');
      in.read(text.data(), static_cast<std::streamsize>(rows));
      ScoredRun run{method, {seed, seed}, 0, {}};
      for (const char row : text) run.rows.push_back(row == '1' ? 1 : 0);
      for (const double right : run.rows) run.score += right / static_cast<double>(rows);
      runs.push_back(std::move(run));
    }
  }
  return {std::move(runs), methods, methods, rows, 1};
}

void say(const PairedColumn& column) {
  std::size_t apart = 0, below = 0;
  double width = 0;
  for (std::size_t a = 0; a < column.compared(); ++a) {
    bool lost = false;
    for (std::size_t b = 0; b < column.compared(); ++b) {
      if (a == b) continue;
      const auto comparison = column.compare(a, b);
      if (!comparison) continue;
      lost = lost || clearly_below(*comparison);
      if (b != 0) continue;
      const Interval joint = joint_interval(*comparison);
      apart += joint.holds(0) ? 0 : 1;
      width += 50 * (joint.high - joint.low) / static_cast<double>(column.compared() - 1);
    }
    below += lost ? 1 : 0;
  }
  fmt::print("{} {} {:.3f}\n", apart, below, width);
}

}  // namespace

int main() {
  std::size_t methods = 0, seeds = 0, rows = 0;
  while (std::cin >> methods >> seeds >> rows) {
    std::cin.get();
    say(read_column(std::cin, methods, seeds, rows));
  }
  return 0;
}
