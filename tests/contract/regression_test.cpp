// A regression trains on targets and answers in labels: on every rank, after every stop, and from its file.
#include <cmath>
#include <fstream>

#include "tests/contract/subjects.hpp"
#include "tests/contract/training.hpp"
#include "worker/catalogue.hpp"
#include "worker/model/model.hpp"
#include "worker/training/trial_rows.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;
using checkpoint::TrialRecord;

/// Labels from 1,000 to 1,004: who forgets the scale is a thousand off.
void write_stars(const fs::path& file, int rows, int shift) {
  std::ofstream out(file);
  out << "text,label\n";
  for (int i = shift; i < rows + shift; ++i) {
    out << (i % 2 == 0 ? "good" : "bad");
    for (int word = 0; word < 1 + i % 7; ++word) out << ' ' << "abc"[(i * 7 + word * 3) % 3];
    out << ',' << 1000 + i % 5 << '\n';
  }
}

worker::TrialSpec stars(const std::string& method, std::int64_t width) {
  const Subject& subject = subjects().front();
  const fs::path folder = contract_folder() / "regression";
  if (!fs::exists(folder)) {
    fs::create_directories(folder);
    write_stars(folder / "train.csv", 60, 0);
    write_stars(folder / "test.csv", 31, 100);
  }
  // Read by its mean: the head is the last layer alone.
  worker::TrialSpec s = short_trial(method, subject.folder, "mean");
  s.task.name = "stars";
  s.task.kind = "regression";
  s.task.targets = "standardized";
  s.task.format = "csv";
  s.task.train = (folder / "train.csv").string();
  s.task.tests = {{"test", (folder / "test.csv").string()}};
  s.task.text = {{"text", -1}};
  s.task.label = {"label", -1};
  s.task.metrics = {"pearson"};
  s.task.data_sha256 = worker::inspect_task(s.task).data_sha256;
  s.width = width;
  return s;
}

class Regression : public Contract {};

INSTANTIATE_TEST_SUITE_P(Methods, Regression, testing::ValuesIn(trained_methods()),
                         [](const auto& one) { return one.param; });

TEST_P(Regression, AnswersInLabelsWithTheSameBytesOnOneRankAndOnTwo) {
  const TrialRecord alone = trained(stars(GetParam(), 2)), together = trained_by(2, stars(GetParam(), 2));
  for (const double prediction : alone.tests[0].predictions) EXPECT_NEAR(prediction, 1002, 10);
  EXPECT_EQ(alone.tests[0].predictions, together.tests[0].predictions);
  EXPECT_EQ(alone.tests[0].metrics, together.tests[0].metrics);
  for (std::size_t i = 0; i < alone.tensors.size(); ++i)
    EXPECT_EQ(alone.tensors[i].sha256, together.tensors[i].sha256) << alone.tensors[i].name;
}

TEST_P(Regression, GoesOnFromAStateWithTheSameBytes) {
  const worker::TrialSpec spec = stars(GetParam(), 1);
  const worker::CheckpointPolicy checkpoints{contract_folder() / "regression" / (GetParam() + ".state"), 1000};
  EXPECT_THROW(trained(spec, checkpoints, 11), worker::Interrupted);
  const TrialRecord stopped = trained(spec, checkpoints), whole = trained(spec);
  EXPECT_EQ(stopped.resumed_step, 11);
  EXPECT_EQ(stopped.tests[0].predictions, whole.tests[0].predictions);
}

TEST(RegressionHead, IsKeptSoThatItPredictsLabels) {
  const worker::TrialSpec spec = stars("head", 1);
  const TrialRecord record = trained(spec);
  std::vector<float> weight, bias;
  for (const checkpoint::KeptTensor& kept : record.tensors) {
    if (kept.name == "classifier.weight") weight = kept.values;
    if (kept.name == "classifier.bias") bias = kept.values;
  }
  worker::Store store;
  worker::Model model(spec, store);
  const worker::TokenizedSplit& test = model.data()->tests()[0];
  const std::vector<float> read = values_of(model.features(test, worker::all_rows(test)));
  ASSERT_EQ(bias.size(), 1U);
  ASSERT_EQ(read.size(), weight.size() * record.tests[0].predictions.size());
  for (std::size_t row = 0; row < record.tests[0].predictions.size(); ++row) {
    double label = bias[0];
    for (std::size_t i = 0; i < weight.size(); ++i)
      label += static_cast<double>(weight[i]) * static_cast<double>(read[row * weight.size() + i]);
    EXPECT_NEAR(label, record.tests[0].predictions[row], 1e-3);
  }
}

TEST(Selection, KeepsTheStepOfTheLeastError) {
  worker::TrialSpec spec = stars("full", 1);
  spec.task.metrics = {"mae"};
  spec.training.learning_rate = 1e-2;
  const TrialRecord record = trained(spec);
  ASSERT_EQ(record.curve.size(), 3U);
  const auto least = std::ranges::min_element(record.curve, {}, &checkpoint::CurvePoint::selection_score);
  EXPECT_LT(least->selection_score,
            std::ranges::max(record.curve, {}, &checkpoint::CurvePoint::selection_score).selection_score);
  EXPECT_EQ(record.best_step, least->step);
}

TEST(Selection, KeepsTheLastStepWhereEveryScoreIsUndefined) {
  worker::TrialSpec spec = stars("head", 1);
  const fs::path alike = contract_folder() / "regression" / "alike.csv";
  std::ofstream(alike) << "text,label\na,3\nb,3\nc,3\n";
  spec.task.validation = alike.string();
  spec.task.data_sha256 = worker::inspect_task(spec.task).data_sha256;
  spec.selection = {.from = "validation", .rows = 0, .patience = 1};
  const TrialRecord record = trained(spec);
  EXPECT_EQ(record.curve.size(), 3U) << "no score is no lack of improvement";
  EXPECT_EQ(record.best_step, record.steps);
  const std::vector<std::string> said{
      "pearson is undefined on the selection rows at every step: the last step was kept"};
  EXPECT_EQ(record.warnings, said);
}

}  // namespace
}  // namespace peftgrid::tests
