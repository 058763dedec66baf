// Language models, choices, and rows with inserted tokens: on every rank, by any width, after a stop, beside any rows.
#include <algorithm>
#include <fstream>
#include <functional>

#include "tests/contract/subjects.hpp"
#include "tests/contract/training.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;
using checkpoint::TrialRecord;

/// A text, what to say of it, and three things to choose from, one of which some rows lack.
void write_rows(const fs::path& file, int rows, int shift) {
  std::ofstream out(file);
  out << "text,answer,one,two,three,label,class\n";
  for (int i = shift; i < rows + shift; ++i) {
    out << (i % 2 == 0 ? "good" : "bad");
    for (int word = 0; word < 1 + i % 7; ++word) out << ' ' << "abc"[(i * 7 + word * 3) % 3];
    for (int word = 0; word < 1 + i % 4; ++word) out << (word == 0 ? ',' : ' ') << "fghk"[(i + word) % 4];
    out << ",ab "
        << "xyz"[i % 3] << ",cd," << (i % 5 == 0 ? "" : "e f") << ',' << i % 2 << ',' << "uvw"[i % 3] << '\n';
  }
}

/// The folder of a tiny model of that architecture.
std::string folder_of(const std::string& architecture) {
  return contract_folder() / architecture;
}

worker::TaskSpec task_of(const std::string& kind) {
  const fs::path folder = contract_folder() / "language";
  if (!fs::exists(folder / "train.csv")) {
    fs::create_directories(folder);
    write_rows(folder / "test.csv", 31, 100);
    write_rows(folder / "train.csv", 60, 0);
  }
  worker::TaskSpec task;
  task.name = "rows";
  task.kind = kind;
  task.format = "csv";
  task.train = (folder / "train.csv").string();
  task.tests = {{"test", (folder / "test.csv").string()}};
  task.text = {{"text", -1}};
  task.metrics = worker::find_kind(kind)->default_metrics;
  if (kind == worker::kLanguageModel) {
    task.text_template = "{text} say {answer}";
    task.label = {"answer", -1};
  } else if (kind == worker::kChoice) {
    task.choices = {{"one", -1}, {"two", -1}, {"three", -1}};
    task.label = {"label", -1};
  } else {
    task.label = {"class", -1};
    task.labels = {"u", "v", "w"};
  }
  task.data_sha256 = worker::inspect_task(task).data_sha256;
  return task;
}

/// `asked`: a kind, or "gpt1": a classification with inserted tokens and the auxiliary loss.
worker::TrialSpec spec_of(const std::string& asked, const std::string& method, std::int64_t width = 1) {
  const bool inserts = asked == worker::kInputGpt1;
  worker::TrialSpec s = short_trial(method, folder_of(inserts ? "openai-gpt" : "llama"), "last");
  s.task = task_of(inserts ? worker::kClassification : asked);
  if (inserts) s.backbone.input = worker::kInputGpt1;
  s.training.auxiliary_lm = inserts ? 0.5 : 0;
  s.width = width;
  return s;
}

/// The parameter is spec_of's `asked`.
class Language : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Language, testing::Values("language_model", "choice", "gpt1"),
                         [](const auto& one) { return one.param; });

TEST_P(Language, LeavesTheSameBytesOnOneRankAndOnTwo) {
  for (const char* method : {"lora", "full"}) {
    SCOPED_TRACE(method);
    expect_same_bytes(trained(spec_of(GetParam(), method, 2)), trained_by(2, spec_of(GetParam(), method, 2)));
  }
}

TEST_P(Language, IsTheSameByAnyWidthToRounding) {
  const TrialRecord narrow = trained(spec_of(GetParam(), "lora")), wide = trained(spec_of(GetParam(), "lora", 3));
  ASSERT_EQ(narrow.curve.size(), wide.curve.size());
  for (std::size_t i = 0; i < narrow.curve.size(); ++i)
    EXPECT_NEAR(narrow.curve[i].train_loss, wide.curve[i].train_loss, 1e-5 * narrow.curve[i].train_loss);
}

TEST(InsertedTokens, AreReadThroughTheHeadsDropout) {
  worker::TrialSpec spec = spec_of(worker::kInputGpt1, "head");  // in which nothing else is dropped
  spec.training.auxiliary_lm = 0;
  const TrialRecord usual = trained(spec);  // 0.1, as published
  spec.training.dropout = 0.1;
  expect_same_bytes(trained(spec), usual);
  spec.training.dropout = 0;
  EXPECT_NE(trained(spec).curve.front().train_loss, usual.curve.front().train_loss);
}

TEST_P(Language, IsTheSameInOneMicroBatchAndInSeveral) {
  worker::TrialSpec whole = spec_of(GetParam(), "lora");
  whole.training.dropout = 0;  // which is drawn by micro-batch
  whole.method.options["dropout"] = 0.0;
  worker::TrialSpec parts = whole;
  whole.training.batch_size = 8;
  parts.training.accumulate = 4;
  parts.training.batch_size = 2;
  const TrialRecord one = trained(whole), several = trained(parts);
  ASSERT_EQ(one.curve.size(), several.curve.size());
  for (std::size_t i = 0; i < one.curve.size(); ++i)
    EXPECT_NEAR(one.curve[i].train_loss, several.curve[i].train_loss, 1e-5 * one.curve[i].train_loss);
}

TEST_P(Language, GoesOnFromAStateWithTheSameBytes) {
  const worker::TrialSpec spec = spec_of(GetParam(), "full");
  const worker::CheckpointPolicy checkpoints{contract_folder() / "language" / (GetParam() + ".state"), 1000};
  EXPECT_THROW(trained(spec, checkpoints, 11), worker::Interrupted);
  const TrialRecord stopped = trained(spec, checkpoints), whole = trained(spec);
  EXPECT_EQ(stopped.resumed_step, 11);
  expect_same_bytes(stopped, whole);
}

TEST_P(Language, Learns) {
  worker::TrialSpec spec = spec_of(GetParam(), "full");
  spec.training.epochs = 10;
  spec.selection.from = "none";
  const TrialRecord record = trained(spec);
  EXPECT_LT(record.curve.back().train_loss, 0.9 * record.curve.front().train_loss);
}

TEST(LanguageModel, KeepsEachRowsTokensAndTheirLogProbability) {
  const TrialRecord record = trained(spec_of("language_model", "lora"));
  double tokens = 0, nats = 0;
  for (const double label : record.tests[0].labels) tokens += label;
  for (const double prediction : record.tests[0].predictions) nats += prediction;
  ASSERT_EQ(record.tests[0].metrics.size(), 1U);
  EXPECT_NEAR(record.tests[0].metrics[0].second, std::exp(nats / tokens), 1e-9 * std::exp(nats / tokens));
}

TEST(LanguageModel, UntrainedAnswersWithoutAStep) {
  for (const char* kind : {"language_model", "choice"}) {
    worker::TrialSpec spec = spec_of(kind, "lora");
    spec.method = {"none", {}};
    spec.selection.from = "none";
    const TrialRecord record = trained(spec);
    EXPECT_EQ(record.steps, 0);
    EXPECT_EQ(record.trained_parameters + record.head_parameters, 0);
    EXPECT_EQ(record.tests[0].predictions.size(), 31U);
  }
}

TEST(FullFineTuning, OfFewerPretrainedLayersStartsTheOthersAnew) {
  worker::TrialSpec spec = spec_of("language_model", "full");
  spec.selection.from = "none";
  spec.training.learning_rate = 1e-9;
  spec.training.max_steps = 1;
  spec.method.options["pretrained_layers"] = std::int64_t{1};
  const TrialRecord some = trained(spec);
  spec.method.options["pretrained_layers"] = std::int64_t{-1};
  const TrialRecord all = trained(spec);
  for (std::size_t i = 0; i < all.tensors.size(); ++i) {
    const std::string& name = all.tensors[i].name;
    if (name.starts_with("norm.")) continue;
    const double off = relative_difference(some.tensors[i].values, all.tensors[i].values);
    const bool anew = name.starts_with("layers.1.");
    EXPECT_TRUE(anew ? off > 0.01 : off < 1e-3) << name << ": " << off;
  }
}

/// A network on rows of several sequences.
Network with_inserted_tokens(const std::string& kind, std::int64_t outputs) {
  NetworkSpec spec;
  spec.folder = folder_of("openai-gpt");
  spec.readout = "last";
  spec.pooler = false;
  spec.method = small_method("lora");
  spec.kind = kind;
  spec.outputs = outputs;
  spec.input = "gpt1";
  return Network(spec);
}

worker::Examples examples_of(const std::vector<std::vector<std::vector<std::int32_t>>>& rows,
                             const std::vector<std::int32_t>& types) {
  worker::Examples examples;
  examples.first.push_back(0);
  for (const auto& row : rows) {
    for (const auto& ids : row) {
      examples.sequences.push_back({ids, std::span(types).first(ids.size()), 0});
      examples.first_target.push_back(1);
    }
    examples.row.push_back(static_cast<std::uint32_t>(examples.row.size()));
    examples.first.push_back(examples.count());
    examples.labels.push_back(0);
  }
  return examples;
}

TEST(InsertedTokens, ASwappedPairHasTheSameLogits) {
  const std::vector<std::int32_t> types(16);
  const std::vector<std::int32_t> one{-1, 7, 8, 9, -2, 10, 11, -3}, other{-1, 10, 11, -2, 7, 8, 9, -3};
  const std::vector<std::int32_t> longer{-1, 12, 13, 14, 15, -2, 16, -3}, turned{-1, 16, -2, 12, 13, 14, 15, -3};
  Network network = with_inserted_tokens("classification", 3);
  const auto as_is = values_of(network.scores(examples_of({{one, other}, {longer, turned}}, types)));
  const auto swapped = values_of(network.scores(examples_of({{other, one}, {turned, longer}}, types)));
  EXPECT_LT(relative_difference(as_is, swapped), 1e-6);
}

TEST(InsertedTokens, OtherRowsChangeNothing) {
  const std::vector<std::int32_t> types(16);
  const std::vector<std::vector<std::int32_t>> row{{-1, 7, 8, -2, 9, -3}, {-1, 7, 8, -2, 10, 11, 12, -3}};
  const std::vector<std::vector<std::int32_t>> neighbour{{-1, 20, -2, 21, -3}, {-1, 20, -2, 22, -3}};
  Network network = with_inserted_tokens("choice", 2);
  const auto alone = values_of(network.scores(examples_of({row}, types)));
  const auto beside = values_of(network.scores(examples_of({neighbour, row}, types)));
  EXPECT_LT(relative_difference({beside.begin() + 2, beside.end()}, alone), 1e-5);
}

}  // namespace
}  // namespace peftgrid::tests
