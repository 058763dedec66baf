#include "orchestrator/report/paired_column.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace peftgrid::orchestrator {
namespace {

/// From so many shared seeds on a pair's own scatter is known well enough, and one noisy method blurs no other.
constexpr std::size_t kSeedsOfOwnScatter = 8;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  std::array<double, 8> sums{};  // so that the compiler may add side by side; always in this order
  std::size_t i = 0;
  for (; i + sums.size() <= a.size(); i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// The sum in an order that the values alone decide: the order of methods changes no byte.
double sorted_sum(std::vector<double> values) {
  std::ranges::sort(values);
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// V and its degrees from seed and test parts. Where no row differs the test part is all there is.
void join(Comparison& of, double seed_degrees) {
  of.variance = of.by_seeds + of.by_test;
  of.degrees = std::max(1.0, joined_degrees(of.by_seeds, seed_degrees, of.by_test, static_cast<double>(of.rows) - 1));
}

}  // namespace

std::vector<double> column_products(std::vector<std::vector<double>> vectors) {
  for (std::vector<double>& vector : vectors) {
    const double mean = std::accumulate(vector.begin(), vector.end(), 0.0) / static_cast<double>(vector.size());
    for (double& value : vector) value -= mean;
  }
  const std::size_t n = vectors.size();
  std::vector<double> products(n * n);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b <= a; ++b) products[a * n + b] = products[b * n + a] = dot(vectors[a], vectors[b]);
  }
  return products;
}

double joined_degrees(double first, double first_degrees, double second, double second_degrees) {
  const double sum = first + second;
  const double bottom = first * first / first_degrees + second * second / second_degrees;
  return bottom == 0 ? INFINITY : sum * sum / bottom;
}

PairedColumn::PairedColumn(std::vector<ScoredRun> runs, std::size_t methods, std::size_t compared, std::size_t rows,
                           double worth, std::vector<ScoredRun> constants)
    : methods_(methods),
      compared_(compared),
      rows_(rows),
      worth_(worth),
      of_method_(methods),
      pairs_(compared * compared) {
  std::vector<std::vector<double>> vectors;
  const auto add = [&](ScoredRun& run) {
    scores_.push_back(run.score);
    vectors.push_back(std::move(run.rows));
    return scores_.size() - 1;
  };
  for (ScoredRun& run : runs) of_method_[run.method][run.seed] = add(run);
  for (ScoredRun& constant : constants) constants_.push_back(add(constant));
  products_ = column_products(std::move(vectors));
  for (std::size_t a = 0; a < compared; ++a) {
    for (std::size_t b = 0; b < compared; ++b) {
      if (a == b) continue;
      Runs runs_a, runs_b;
      for (const auto& [seed, run] : of_method_[a]) {
        const auto other = of_method_[b].find(seed);
        if (other == of_method_[b].end()) continue;
        runs_a.push_back(run);
        runs_b.push_back(other->second);
      }
      if (!runs_a.empty()) pairs_[a * compared_ + b] = make_pair(runs_a, runs_b);
    }
  }
}

/// `b` is as long as `a`, or empty: then scores are taken as they are.
Pair PairedColumn::make_pair(const Runs& a, const Runs& b) const {
  Pair pair;
  pair.rows = rows_;
  double own = 0, all = 0;  // of the seeds' centred differences: squares, and products of all pairs
  for (std::size_t i = 0; i < a.size(); ++i) {
    pair.by_seed.push_back(scores_[a[i]] - (b.empty() ? 0 : scores_[b[i]]));
    for (std::size_t j = 0; j < a.size(); ++j) {
      double of_two = product(a[i], a[j]);
      if (!b.empty()) of_two = (of_two + product(b[i], b[j])) - (product(a[i], b[j]) + product(b[i], a[j]));
      all += of_two;
      if (i == j) own += of_two;
    }
  }
  const Summary seeds = summarize(pair.by_seed);
  pair.difference = seeds.mean;
  const auto s = static_cast<double>(a.size()), n = static_cast<double>(rows_);
  pair.by_rows = std::max(0.0, all) / (s * s) / (n - 1) / n;
  if (!seeds.sd) return pair;
  pair.seed_variance = *seeds.sd * *seeds.sd;
  pair.by_both = std::max(0.0, own - all / s) / ((s - 1) * (n - 1)) / (s * n);
  return pair;
}

PairedColumn::Runs PairedColumn::runs_of(std::size_t method) const {
  Runs runs;
  for (const auto& [seed, run] : of_method_[method]) runs.push_back(run);
  return runs;
}

std::optional<Pair> PairedColumn::alone(std::size_t method) const {
  const Runs runs = runs_of(method);
  return runs.empty() ? std::nullopt : std::optional(make_pair(runs, {}));
}

std::optional<Pair> PairedColumn::over_constant(std::size_t method, std::size_t constant) const {
  const Runs runs = runs_of(method);
  if (runs.empty()) return std::nullopt;
  return make_pair(runs, Runs(runs.size(), constants_.at(constant)));
}

double PairedColumn::score_scatter() const {
  std::vector<double> scatters;
  double degrees = 0;
  for (std::size_t method = 0; method < methods_; ++method) {
    const auto own = alone(method);
    if (!own || own->seeds() < 2) continue;
    const auto d = static_cast<double>(own->seeds() - 1);
    scatters.push_back(d * own->seed_variance);
    degrees += d;
  }
  return degrees == 0 ? 0 : sorted_sum(std::move(scatters)) / degrees;
}

std::optional<Comparison> PairedColumn::compare_alone(std::size_t a, std::size_t b) const {
  const auto& known = pair(a, b);
  if (!known || known->seeds() < 2) return std::nullopt;
  const double n = static_cast<double>(rows_), imagined = 2 * worth_ * worth_ / (n * n);
  Comparison result;
  result.difference = known->difference;
  result.seeds = known->seeds();
  result.rows = rows_;
  result.scatter = known->seed_variance;
  result.degrees_a_seed = 1;
  result.both = known->by_both;
  result.by_seeds = std::max(result.scatter / static_cast<double>(result.seeds), known->by_both);
  result.by_test = std::max(0.0, known->by_rows - known->by_both) + imagined;
  join(result, static_cast<double>(result.seeds - 1));
  return result;
}

std::optional<Comparison> PairedColumn::compare(std::size_t a, std::size_t b) const {
  auto result = compare_alone(a, b);
  if (!result) return result;
  std::vector<double> scatters, degrees;
  for (std::size_t c = 0; c < compared_; ++c) {
    const auto& other = pair(c, b);
    if (!other || other->seeds() < 2) continue;
    degrees.push_back(static_cast<double>(other->seeds() - 1));
    scatters.push_back(degrees.back() * other->seed_variance);
  }
  result->comparisons = degrees.size();
  if (result->seeds >= kSeedsOfOwnScatter) return result;
  const double all = sorted_sum(degrees), k = static_cast<double>(degrees.size() + 1);
  result->scatter = std::max(result->scatter, sorted_sum(scatters) / all);
  result->by_seeds = std::max(result->scatter / static_cast<double>(result->seeds), result->both);
  // The mean of k - 1 variances that share the baseline, and so correlate by a quarter.
  const double seed_degrees = 4 / (k + 2) * all;
  result->degrees_a_seed = seed_degrees / static_cast<double>(result->seeds - 1);
  join(*result, seed_degrees);
  return result;
}

std::optional<Comparison> PairedColumn::compare_models(std::size_t a, std::size_t b) const {
  const auto& known = pair(a, b);
  if (!known || known->seeds() != 1) return std::nullopt;
  const double n = static_cast<double>(rows_);
  Comparison result;
  result.difference = known->difference;
  result.seeds = 1;
  result.rows = rows_;
  result.by_test = known->by_rows + 2 * worth_ * worth_ / (n * n);
  result.variance = result.by_test;
  result.degrees = std::max(1.0, n - 1);
  return result;
}

}  // namespace peftgrid::orchestrator
