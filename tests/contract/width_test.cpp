// A trial of width w gives the numbers of width 1, and the same bytes on every number of ranks up to w.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <span>

#include "tests/contract/subjects.hpp"
#include "tests/contract/training.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;
using checkpoint::TrialRecord;

void write_words(const fs::path& file, int rows, int shift) {
  std::ofstream out(file);
  out << "text,label\n";
  for (int i = shift; i < rows + shift; ++i) {
    out << (i % 2 == 0 ? "good" : "bad");
    for (int word = 0; word < 1 + i % 7; ++word) out << ' ' << "abc"[(i * 7 + word * 3) % 3];
    out << ',' << "xyz"[i % 3] << '\n';
  }
}

class Width : public Contract {
 protected:
  /// 20 steps in 4 epochs, the last of each with fewer rows than shards; two micro-batches a step, dropout on.
  worker::TrialSpec spec(std::int64_t width) const {
    const Subject& subject = subjects().front();
    const fs::path folder = contract_folder() / "width";
    if (!fs::exists(folder / "train.csv")) {
      fs::create_directories(folder);
      write_words(folder / "test.csv", 31, 100);
      write_words(folder / "train.csv", 60, 0);
    }
    worker::TrialSpec s = short_trial(GetParam(), subject.folder, subject.readout);
    s.task.name = "words";
    s.task.format = "csv";
    s.task.train = (folder / "train.csv").string();
    s.task.tests = {{"test", (folder / "test.csv").string()}};
    s.task.text = {{"text", -1}};
    s.task.label = {"label", -1};
    s.task.labels = {"x", "y", "z"};
    s.task.metrics = {"accuracy"};
    s.task.data_sha256 = worker::inspect_task(s.task).data_sha256;
    s.training.epochs = 4;
    s.training.accumulate = 2;
    s.selection.every_steps = 1;
    s.selection.patience = 0;
    s.logits = true;
    s.width = width;
    return s;
  }

  TrialRecord trained(std::int64_t width, int ranks) const { return trained_by(ranks, spec(width)); }
};

INSTANTIATE_TEST_SUITE_P(Methods, Width, testing::ValuesIn(trained_methods()),
                         [](const auto& one) { return one.param; });

TEST_P(Width, LeavesTheSameBytesOnEveryNumberOfRanksUpToIt) {
  for (const std::int64_t width : {2, 4}) {
    SCOPED_TRACE("width " + std::to_string(width));
    const TrialRecord alone = trained(width, 1);
    for (int ranks = 2; ranks <= width; ++ranks) {
      SCOPED_TRACE(std::to_string(ranks) + " ranks");
      expect_same_bytes(alone, trained(width, ranks));
    }
  }
}

TEST_P(Width, KeepsTheLogitsThatDecideEachTestRow) {
  const TrialRecord record = trained(1, 1);
  const checkpoint::KeptTensor& logits = record.tensors.back();
  ASSERT_EQ(logits.name, "logits.test");
  const std::vector<double>& predictions = record.tests[0].predictions;
  ASSERT_EQ(logits.shape, (std::vector<std::int64_t>{static_cast<std::int64_t>(predictions.size()), 3}));
  for (std::size_t row = 0; row < predictions.size(); ++row) {
    const auto line = std::span(logits.values).subspan(3 * row, 3);
    const auto highest = static_cast<std::size_t>(std::distance(line.begin(), std::ranges::max_element(line)));
    EXPECT_EQ(highest, static_cast<std::size_t>(predictions[row])) << "row " << row;
  }
}

/// The key's bias cancels in the softmax: its true gradient is zero, and AdamW makes steps of the noise that is left.
bool is_noise(const std::string& tensor) {
  return tensor.find("key.bias") != std::string::npos;
}

double distance(const checkpoint::KeptTensor& a, const checkpoint::KeptTensor& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(a.values[i] - b.values[i], 2);
    norm += std::pow(a.values[i], 2);
  }
  return std::sqrt(difference / norm);
}

TEST_P(Width, GivesTheLossesAndWeightsOfWidthOneOver20Steps) {
  constexpr double kAlike = 3e-5;  // AdamW divides by small numbers, and so makes rounding larger: 1.4e-5 seen
  const TrialRecord narrow = trained(1, 1), wide = trained(4, 3);
  ASSERT_EQ(narrow.steps, 20);
  ASSERT_EQ(wide.curve.size(), narrow.curve.size());
  for (std::size_t i = 0; i < narrow.curve.size(); ++i)
    EXPECT_NEAR(wide.curve[i].train_loss / narrow.curve[i].train_loss, 1, kAlike) << "step " << i + 1;
  ASSERT_EQ(wide.tensors.size(), narrow.tensors.size());
  for (std::size_t i = 0; i < narrow.tensors.size(); ++i) {
    if (is_noise(narrow.tensors[i].name)) continue;
    EXPECT_LT(distance(narrow.tensors[i], wide.tensors[i]), kAlike) << narrow.tensors[i].name;
  }
  EXPECT_EQ(wide.training_tokens, narrow.training_tokens);
}

}  // namespace
}  // namespace peftgrid::tests
