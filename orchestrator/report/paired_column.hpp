#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "orchestrator/report/statistics.hpp"

/// How two methods of one column (task, test set, metric, training size) differ: paired by seed and by test row, with a
/// variance from both (docs/statistics.md).
namespace peftgrid::orchestrator {

/// One run of a method: its score, and what each test row contributed to it (pseudo_values.hpp).
struct ScoredRun {
  std::size_t method = 0;
  SeedKey seed;
  double score = 0;
  std::vector<double> rows;
};

/// What two methods' shared seeds show by themselves, `a - b`. The variances are of `difference`.
struct Pair {
  double difference = 0;
  std::vector<double> by_seed;  // differences, in the order of the seeds
  std::size_t rows = 0;
  double seed_variance = 0;  // of one seed's difference (divisor seeds - 1); 0 with one seed
  double by_rows = 0;        // V_rows: variance of the rows' mean differences, over rows
  double by_both = 0;        // V_both: what is left of seed and row, over seeds and rows; 0 with one seed
  std::size_t seeds() const { return by_seed.size(); }
};

/// A difference with the variance that other seeds and other test rows of the kind give it.
struct Comparison {
  double difference = 0;
  std::size_t seeds = 0, rows = 0;
  double scatter = 0;         // S2: seed variance used, the pair's own or that shared over the column
  double degrees_a_seed = 0;  // of `scatter`, for each seed beyond the first
  double both = 0;            // V_both
  double by_seeds = 0;        // V_seeds
  double by_test = 0;         // V_test: what more seeds cannot take away
  double variance = 0, degrees = 0;
  std::size_t comparisons = 1;  // that hold together with this one: k - 1
};

/// One column's runs as their products: the rows themselves are let go.
class PairedColumn {
 public:
  /// `runs` in any order, no two of one method and seed; all of them with `rows` rows, at least 2. `worth` is what one
  /// row may be worth (row_worth). Only the first `compared` methods are compared; pairs of others are not there.
  /// `constants`: of predictions that are the same for every seed; only their scores and rows are read.
  PairedColumn(std::vector<ScoredRun> runs, std::size_t methods, std::size_t compared, std::size_t rows, double worth,
               std::vector<ScoredRun> constants = {});

  /// `a - b` over the seeds they share; nothing where they share none.
  const std::optional<Pair>& pair(std::size_t a, std::size_t b) const { return pairs_[a * compared_ + b]; }
  /// With shared scatter, `b` being the baseline; nothing below two shared seeds.
  std::optional<Comparison> compare(std::size_t a, std::size_t b) const;
  /// With the pair's own scatter, as the only comparison there is; nothing below two shared seeds.
  std::optional<Comparison> compare_alone(std::size_t a, std::size_t b) const;
  /// Of the two methods' models of their only shared seed: rows alone; nothing where they share none or several.
  std::optional<Comparison> compare_models(std::size_t a, std::size_t b) const;
  /// One method's scores, as if against 0; and against one of the constants. Nothing where it has no run.
  std::optional<Pair> alone(std::size_t method) const;
  std::optional<Pair> over_constant(std::size_t method, std::size_t constant) const;
  /// Mean over the methods of the scores' variances over seeds, weighted by seeds - 1; 0 where none has two.
  double score_scatter() const;

  std::size_t compared() const { return compared_; }

 private:
  using Runs = std::vector<std::size_t>;
  Pair make_pair(const Runs& a, const Runs& b) const;
  Runs runs_of(std::size_t method) const;
  double product(std::size_t a, std::size_t b) const { return products_[a * scores_.size() + b]; }

  std::size_t methods_, compared_, rows_;
  double worth_;
  std::vector<double> scores_, products_;  // of runs; of their centred rows
  std::vector<std::map<SeedKey, std::size_t>> of_method_;
  Runs constants_;
  std::vector<std::optional<Pair>> pairs_;
};

/// Products of all pairs of these vectors, which are of one length, about their means: a square, by rows.
std::vector<double> column_products(std::vector<std::vector<double>> vectors);

/// Degrees of freedom of a sum of two variances (Satterthwaite 1946); infinite where both are 0.
double joined_degrees(double first, double first_degrees, double second, double second_degrees);

}  // namespace peftgrid::orchestrator
