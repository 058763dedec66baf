#include "orchestrator/report/paired_column.hpp"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "orchestrator/report/pseudo_values.hpp"
#include "orchestrator/report/scores.hpp"
#include "orchestrator/report/verdict.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {
namespace {

using nlohmann::json;
using Values = std::vector<double>;
constexpr double kClose = 1e-10;

/// Methods by name, and their predictions by seed.
struct Predictions {
  Values labels;
  std::map<std::string, std::map<std::uint64_t, Values>> runs;

  std::size_t index(const std::string& method) const {
    return static_cast<std::size_t>(std::distance(runs.begin(), runs.find(method)));
  }
};

/// row,label,<method> seed <n>,...
Predictions read_csv(const std::string& name) {
  std::ifstream in(PEFTGRID_SOURCE "/tests/golden/" + name);
  Predictions found;
  std::vector<Values*> columns = {nullptr, &found.labels};
  std::string line, field;
  std::getline(in, line);
  for (std::istringstream heading(line); std::getline(heading, field, ',');) {
    const std::size_t at = field.find(" seed ");
    if (at != std::string::npos) columns.push_back(&found.runs[field.substr(0, at)][std::stoull(field.substr(at + 6))]);
  }
  while (std::getline(in, line)) {
    std::istringstream row(line);
    for (std::size_t i = 0; std::getline(row, field, ','); ++i) {
      if (columns.at(i) != nullptr) columns[i]->push_back(std::stod(field));
    }
  }
  return found;
}

Predictions read(const json& column) {
  if (column.contains("file")) return read_csv(column["file"]);
  Predictions found;
  found.labels = column["labels"].get<Values>();
  for (const auto& [method, seeds] : column["runs"].items()) {
    for (const auto& [seed, predictions] : seeds.items())
      found.runs[method][std::stoull(seed)] = predictions.get<Values>();
  }
  return found;
}

ScoredRun run_of(std::size_t method, std::uint64_t seed, const std::string& metric, const Values& labels,
                 const Values& predictions) {
  return {method, {seed, seed}, *score(metric, labels, predictions), pseudo_values(metric, labels, predictions)};
}

PairedColumn column_of(const Predictions& from, const std::string& metric = "accuracy") {
  std::vector<ScoredRun> runs;
  for (const auto& [method, seeds] : from.runs) {
    for (const auto& [seed, predictions] : seeds)
      runs.push_back(run_of(from.index(method), seed, metric, from.labels, predictions));
  }
  std::vector<ScoredRun> constants;
  if (majority_score(metric, from.labels)) {
    constants.push_back(run_of(0, 0, metric, from.labels, Values(from.labels.size(), majority_class(from.labels))));
  }
  return {std::move(runs),     from.runs.size(), from.runs.size(), from.labels.size(), row_worth(metric, from.labels),
          std::move(constants)};
}

void expect_interval(const Interval& interval, const json& expected, const std::string& where) {
  EXPECT_NEAR(interval.low, expected[0].get<double>(), kClose) << where;
  EXPECT_NEAR(interval.high, expected[1].get<double>(), kClose) << where;
}

void expect_joint(const Comparison& joint, const json& expected, const std::string& where) {
  EXPECT_NEAR(joint.difference, expected["difference"].get<double>(), kClose) << where;
  EXPECT_EQ(joint.seeds, expected["seeds"].get<std::size_t>()) << where;
  EXPECT_NEAR(joint.variance, expected["variance"].get<double>(), kClose) << where;
  EXPECT_NEAR(joint.degrees / expected["degrees"].get<double>(), 1, kClose) << where;
  expect_interval(joint_interval(joint), {expected["low"], expected["high"]}, where);
  EXPECT_EQ(clearly_below(joint), expected["below"].get<bool>()) << where;
  EXPECT_NEAR(adjusted_p(joint), expected["p"].get<double>(), kClose) << where;
  EXPECT_NEAR(sees(joint), expected["sees"].get<double>(), kClose) << where;
}

void expect_comparison(const PairedColumn& column, const Predictions& from, const json& expected,
                       const std::string& metric) {
  const std::string a = expected["a"], b = expected["b"], where = metric + " " + a + " against " + b;
  const std::size_t at = from.index(a), base = from.index(b);
  if (expected.contains("models")) {
    const auto models = column.compare_models(at, base);
    ASSERT_TRUE(models) << where;
    expect_interval(joint_interval(*models), {expected["models"]["low"], expected["models"]["high"]}, where);
    EXPECT_FALSE(column.compare(at, base)) << where << ": one seed says nothing of methods";
    return;
  }
  const auto joint = column.compare(at, base), alone = column.compare_alone(at, base);
  ASSERT_TRUE(joint && alone) << where;
  expect_joint(*joint, expected["joint"], where);
  expect_interval(joint_interval(*alone), {expected["alone"]["low"], expected["alone"]["high"]}, where);
  EXPECT_NEAR(sees(*joint, 5), expected["sees_5"].get<double>(), kClose) << where;
  for (const json& need : expected["needs"]) {
    const Needs needed = needs(*joint, need["margin"]);
    EXPECT_EQ(needed.seeds, need["seeds"].get<std::size_t>()) << where << " " << need["margin"];
    EXPECT_EQ(needed.rows, need["rows"].get<std::size_t>()) << where << " " << need["margin"];
  }
}

void expect_of_one(const PairedColumn& column, const Predictions& from, const json& all, const std::string& metric) {
  const double worth = row_worth(metric, from.labels), scatter = column.score_scatter();
  const worker::Metric& facts = *worker::find_metric(metric);
  for (const auto& [method, expected] : all.items()) {
    const auto own = column.alone(from.index(method));
    expect_interval(score_interval(*own, scatter, facts.is_share, worth, {facts.lowest, facts.highest}),
                    expected["score"], method);
    ASSERT_EQ(majority_score(metric, from.labels).has_value(), expected.contains("over"));
    if (!expected.contains("over")) continue;
    expect_interval(constant_interval(*column.over_constant(from.index(method), 0), scatter, worth), expected["over"],
                    method);
  }
}

TEST(PairedColumn, AgreesWithNumpy) {
  std::ifstream in(PEFTGRID_SOURCE "/tests/golden/statistics.json");
  for (const json& expected : json::parse(in)["columns"]) {
    const Predictions from = read(expected);
    const std::string metric = expected["metric"];
    const PairedColumn column = column_of(from, metric);
    for (const json& comparison : expected["comparisons"]) expect_comparison(column, from, comparison, metric);
    expect_of_one(column, from, expected["of_one"], metric);
  }
}

/// In points, to one place.
std::string shown(const Interval& interval) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "[%+.1f, %+.1f]", 100 * interval.low, 100 * interval.high);
  return text.data();
}

TEST(PairedColumn, TwoSeedsOfTheQuickstartTellNoMethodFromFull) {
  const Predictions critics = read_csv("critics.csv");
  const PairedColumn column = column_of(critics);
  const std::size_t full = critics.index("full");
  const std::map<std::string, std::string> expected = {{"lora", "[-23.4, +19.4]"},
                                                       {"bitfit", "[-24.5, +18.7]"},
                                                       {"pfeiffer", "[-23.2, +19.6]"},
                                                       {"prefix", "[-31.1, +19.4]"},
                                                       {"head", "[-40.8, +27.6]"}};
  for (const auto& [method, interval] : expected) {
    const auto comparison = column.compare(critics.index(method), full);
    EXPECT_EQ(shown(joint_interval(*comparison)), interval) << method;
    EXPECT_EQ(word_of(joint_interval(*comparison), 0.01), Word::NotToldApart) << method;
    for (std::size_t other = 0; other < column.compared(); ++other) {
      if (other == critics.index(method)) continue;
      EXPECT_FALSE(clearly_below(*column.compare(critics.index(method), other))) << method;
    }
  }
  EXPECT_NEAR(100 * sees(*column.compare(critics.index("lora"), full)), 24.4, 0.05);
  EXPECT_EQ(needs(*column.compare(critics.index("lora"), full), 0.05).seeds, 11U);
}

TEST(PairedColumn, TwoSeedsOfSst2TellPrefixAndHeadFromFull) {
  const Predictions sst2 = read_csv("sst2.csv");
  const PairedColumn column = column_of(sst2);
  const auto interval = [&](const char* method) {
    return joint_interval(*column.compare(sst2.index(method), sst2.index("full")));
  };
  EXPECT_EQ(shown(interval("lora")), "[-5.8, +9.1]");
  EXPECT_EQ(shown(interval("bitfit")), "[-13.3, +2.9]");
  EXPECT_EQ(shown(interval("prefix")), "[-18.8, -8.3]");
  EXPECT_EQ(shown(interval("head")), "[-33.1, -11.8]");
  EXPECT_EQ(word_of(interval("prefix"), 0.01), Word::Behind);
  EXPECT_TRUE(clearly_below(*column.compare(sst2.index("bitfit"), sst2.index("lora"))));
  EXPECT_FALSE(clearly_below(*column.compare(sst2.index("full"), sst2.index("lora"))));
}

/// Runs whose rows are right (1) or wrong (0) as given: [method][seed][row].
PairedColumn column_of_rows(const std::vector<std::vector<Values>>& rows) {
  std::vector<ScoredRun> runs;
  for (std::size_t method = 0; method < rows.size(); ++method) {
    for (std::size_t seed = 0; seed < rows[method].size(); ++seed) {
      const Values& values = rows[method][seed];
      const double sum = std::accumulate(values.begin(), values.end(), 0.0);
      runs.push_back({method, {seed, seed}, sum / static_cast<double>(values.size()), values});
    }
  }
  return {std::move(runs), rows.size(), rows.size(), rows[0][0].size(), 1};
}

TEST(PairedColumn, OnRowsLessOnBothIsTheVarianceOfMethodByRow) {
  // Differences a_i + b_si with a = (1, -1, 1, -1) / 2 and b that cancels over seeds and rows: balanced analysis of
  // variance has the component of rows at var(a) - mean square of the rest / seeds.
  const std::vector<Values> a = {{1, 0, 1, 0}, {1, -1, 1, -1}};
  const auto pair = column_of_rows({a, {Values(4, 0), Values(4, 0)}}).pair(0, 1);
  // Rows' means are (1, -.5, 1, -.5), centred (.75, -.75, ...); the rest is (-+.25) everywhere.
  const double rows_square = 2 * (4 * 0.75 * 0.75) / 3, rest_square = 8 * 0.25 * 0.25 / 3;
  EXPECT_NEAR(pair->by_rows - pair->by_both, (rows_square - rest_square) / 2 / 4, kClose);
}

TEST(PairedColumn, RowsThatNeverDifferStillLeaveTwoImaginedOnes) {
  const Values right = {1, 1, 1, 0, 1};
  const auto comparison = column_of_rows({{right, right}, {right, right}}).compare(0, 1);
  EXPECT_NEAR(joint_interval(*comparison).high, t_quantile(0.975, 4) * std::sqrt(2.0) / 5, kClose);
}

TEST(PairedColumn, SeedsNeverAgreeBetterThanTheirRowsAllow) {
  const auto comparison = column_of_rows({{{1, 1, 0, 0}, {0, 0, 1, 1}}, {{0, 1, 1, 0}, {1, 0, 0, 1}}}).compare(0, 1);
  EXPECT_EQ(comparison->scatter, 0);
  EXPECT_GT(comparison->both, 0);
  EXPECT_GE(comparison->by_seeds, comparison->both);
}

TEST(PairedColumn, TwoMethodsHaveTheDegreesOfAPairedTest) {
  const auto comparison = column_of_rows({{{1, 1, 0}, {0, 1, 1}, {1, 1, 1}}, {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}});
  EXPECT_EQ(comparison.compare(0, 1)->degrees_a_seed, 1);
  EXPECT_EQ(comparison.compare(0, 1)->comparisons, 1U);
}

TEST(PairedColumn, OneRowOfEightProvesNothing) {
  const Values all(8, 1), seven = {1, 1, 1, 1, 0, 1, 1, 1};
  const PairedColumn column = column_of_rows({{all}, {seven}});
  EXPECT_EQ(shown(joint_interval(*column.compare_models(0, 1))), "[-38.7, +63.7]");
  EXPECT_FALSE(column.compare(0, 1));
}

TEST(PairedColumn, UnequalSeedsAreComparedOverThoseThatBothHave) {
  const Values x = {1, 0, 1, 1}, y = {0, 1, 1, 0}, z = {1, 1, 1, 1};
  const auto some = column_of_rows({{x, y, z}, {y, x}}).compare(0, 1),
             fewer = column_of_rows({{x, y}, {y, x}}).compare(0, 1);
  EXPECT_EQ(some->seeds, 2U);
  EXPECT_EQ(some->variance, fewer->variance);
}

TEST(PairedColumn, OrderOfMethodsChangesNoBit) {
  const Predictions critics = read_csv("critics.csv");
  std::vector<ScoredRun> runs, reversed;
  for (const auto& [method, seeds] : critics.runs) {
    for (const auto& [seed, predictions] : seeds)
      runs.push_back(run_of(critics.index(method), seed, "accuracy", critics.labels, predictions));
  }
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    reversed.push_back(*run);
    reversed.back().method = 5 - run->method;
  }
  const std::size_t rows = critics.labels.size();
  const PairedColumn one(runs, 6, 6, rows, 1), other(reversed, 6, 6, rows, 1);
  for (std::size_t a = 0; a < 6; ++a) {
    for (std::size_t b = 0; b < 6; ++b) {
      if (a == b) continue;
      EXPECT_EQ(one.compare(a, b)->variance, other.compare(5 - a, 5 - b)->variance);
      EXPECT_EQ(one.compare(a, b)->degrees, other.compare(5 - a, 5 - b)->degrees);
    }
  }
}

TEST(Verdict, MoreSeedsNarrowTheIntervalFromWhatItIsNow) {
  const Predictions sst2 = read_csv("sst2.csv");
  const PairedColumn column = column_of(sst2);
  const auto head = column.compare(sst2.index("head"), sst2.index("full"));
  const Interval now = joint_interval(*head);
  EXPECT_NEAR(joint_half_width(*head, 2), (now.high - now.low) / 2, kClose);
  EXPECT_LT(joint_half_width(*head, 3), joint_half_width(*head, 2));
}

TEST(Verdict, ClearIsWhatLeavesZeroOutAtMuchMoreThanTheUsualConfidence) {
  Comparison comparison;
  comparison.variance = 1;
  comparison.degrees = INFINITY;
  comparison.difference = 3;
  EXPECT_FALSE(is_clear(comparison)) << "3 standard errors: 99.7 %";
  comparison.difference = -3.4;
  EXPECT_TRUE(is_clear(comparison));
}

TEST(Verdict, WordsAreReadOffTheInterval) {
  EXPECT_EQ(word_of({0.001, 0.02}, 0.01), Word::Ahead);
  EXPECT_EQ(word_of({-0.009, -0.001}, 0.01), Word::BehindWithin);
  EXPECT_EQ(word_of({-0.02, -0.001}, 0.01), Word::Behind);
  EXPECT_EQ(word_of({-0.009, 0.009}, 0.01), Word::AsGood);
  EXPECT_EQ(word_of({-0.009, 0.02}, 0.01), Word::NotWorse);
  EXPECT_EQ(word_of({-0.02, 0.009}, 0.01), Word::NotToldApart);
}

/// Standard normal numbers by counter.
class Normals {
 public:
  double next() {
    if (!spare_.empty()) return take();
    const auto random = philox_({{count_++, 0, 0, 0}}, {{18, 0}});
    for (std::size_t i = 0; i < 4; i += 2) {
      const double radius = std::sqrt(-2 * std::log((random[i] + 0.5) * 0x1p-32));
      const double angle = 2 * std::numbers::pi * random[i + 1] * 0x1p-32;
      spare_.push_back(radius * std::cos(angle));
      spare_.push_back(radius * std::sin(angle));
    }
    return take();
  }

 private:
  double take() {
    const double value = spare_.back();
    spare_.pop_back();
    return value;
  }
  r123::Philox4x32 philox_;
  std::uint32_t count_ = 0;
  Values spare_;
};

/// Six equally good methods: a row is right where difficulty, method by row, seed by row, their rest and the seed's own
/// luck add up to more than what a quarter of rows stays below.
PairedColumn null_column(std::size_t seeds, double scatter, Normals& normal) {
  constexpr std::size_t kMethods = 6, kRows = 150;
  Values difficulty(kRows);
  for (double& value : difficulty) value = std::sqrt(0.40) * normal.next();
  std::vector<Values> of_method(kMethods, Values(kRows)), of_seed(seeds, Values(kRows));
  for (Values& rows : of_method) std::ranges::generate(rows, [&] { return std::sqrt(0.05) * normal.next(); });
  for (Values& rows : of_seed) std::ranges::generate(rows, [&] { return std::sqrt(0.38) * normal.next(); });
  std::vector<std::vector<Values>> right(kMethods, std::vector<Values>(seeds, Values(kRows)));
  for (std::size_t method = 0; method < kMethods; ++method) {
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      const double luck = 0.674 + scatter * normal.next();
      for (std::size_t i = 0; i < kRows; ++i) {
        const double rest = std::sqrt(0.17) * normal.next();
        right[method][seed][i] = luck + difficulty[i] + of_method[method][i] + of_seed[seed][i] + rest > 0 ? 1 : 0;
      }
    }
  }
  return column_of_rows(right);
}

TEST(PairedColumn, EqualMethodsAreSeldomToldApart) {
  constexpr std::size_t kColumns = 2000, kMost = 125;  // 5 % would be 100; more than 125 has a chance below 1 %
  Normals normal;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const PairedColumn column = null_column(2 + i % 4, i % 2 == 0 ? 0.03 : 0.1, normal);
    bool any = false;
    for (std::size_t method = 1; method < 6; ++method)
      any = any || !joint_interval(*column.compare(method, 0)).holds(0);
    wrong += any ? 1 : 0;
  }
  EXPECT_LE(wrong, kMost);
  EXPECT_GT(wrong, 0U) << "an interval that is never wrong is too wide to say anything";
}

TEST(PseudoValues, OfSentimentAccuraciesAreThoseOfLeavingRowsOut) {
  const std::vector<double> labels = {-3, -1.5, 0, 0.5, 2, 3, 0, -0.5},
                            predictions = {-2, 1, 0.2, 0.4, 1.6, -1, -3, -0.2};
  const auto n = static_cast<double>(labels.size());
  for (const char* metric : {"accuracy_2", "accuracy_2_nonzero", "accuracy_7"}) {
    const std::vector<double> values = pseudo_values(metric, labels, predictions);
    const double whole = worker::metric(metric, labels, predictions);
    for (std::size_t left_out = 0; left_out < labels.size(); ++left_out) {
      std::vector<double> other_labels = labels, other_predictions = predictions;
      other_labels.erase(other_labels.begin() + static_cast<std::ptrdiff_t>(left_out));
      other_predictions.erase(other_predictions.begin() + static_cast<std::ptrdiff_t>(left_out));
      const double others = worker::metric(metric, other_labels, other_predictions);
      EXPECT_NEAR(values[left_out], n * whole - (n - 1) * others, 1e-12) << metric << ", row " << left_out;
    }
  }
}

}  // namespace
}  // namespace peftgrid::orchestrator
