#include "orchestrator/schedule/cost.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace peftgrid::orchestrator {

namespace {

using worker::BackboneFacts;
using worker::ParameterCounts;
using worker::ProductSpeed;
using worker::TaskFacts;
using worker::TrialSpec;

constexpr double kStepSeconds = 1e-3;    // whatever its size: drawing rows, scheduling, clipping
constexpr double kTrialSeconds = 0.05;   // dispatch, start, publish
constexpr double kUpdateSeconds = 1e-9;  // AdamW per parameter and step
// Of a step's sum over ranks that share a trial: letters through shared memory, waking up, the sum itself.
constexpr double kSumSeconds = 5e-4;
constexpr double kSumBytesPerSecond = 1.5e9;
constexpr std::int64_t kScoredLines = 128;   // of the vocabulary's scores there are so many at once, and their slopes
constexpr double kRowSpread = 0.5;           // standard deviation of rows' lengths over their mean
constexpr double kCharactersPerToken = 4.6;  // of English under a WordPiece vocabulary (GLUE: 4.3 to 4.8)
constexpr std::int64_t kFileBytes = 24'000;  // an HDF5 file with spec, environment and curve
constexpr std::int64_t kPredictionBytes = 16;

/// How much longer than the mean the longest of `shards` parts of a micro-batch is: the others wait for it. The longest
/// of n rows lies about 0.75 sqrt(2 ln n) deviations up; parts of several rows are filled evenly
/// (worker/training/steps.cpp).
double waiting(double rows, double shards) {
  if (shards <= 1) return 1;
  return 1 + 0.75 * std::sqrt(2 * std::log(shards)) * kRowSpread / std::pow(std::max(1.0, rows / shards), 2);
}

/// Of `flop`, the `trained` ones with weights that train.
double token_seconds(const TrialSpec& spec, const ProductSpeed& products, double flop, double trained) {
  const double frozen = (flop - trained) / (spec.precision == "bf16" ? products.bf16_gain : 1);
  return (trained + frozen + products.beside * flop) / (products.gflops * 1e9);
}

/// As the folder's tokenizer has them, or guessed from characters where it has none.
worker::RowFacts rows_of(const TrialSpec& spec, const TaskFacts& task) {
  const auto known = task.rows.find(spec.backbone.name);
  if (known != task.rows.end()) return known->second;
  const double special = spec.task.text.size() == 2 ? 3 : 2;
  worker::RowFacts guessed;
  guessed.sequences = static_cast<double>(std::max<std::size_t>(1, spec.task.choices.size()));
  if (spec.task.symmetric) guessed.sequences = 2;
  guessed.tokens =
      std::min(static_cast<double>(spec.training.max_length), task.mean_characters / kCharactersPerToken + special);
  guessed.targets = guessed.tokens;
  return guessed;
}

}  // namespace

Workload workload_of(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone) {
  const worker::TrainingSpec& t = spec.training;
  Workload work;
  const worker::RowFacts rows = rows_of(spec, task);
  work.tokens = rows.tokens;
  work.sequences = rows.sequences;
  work.targets = rows.targets;
  const std::int64_t train_rows = worker::training_rows(spec, task);
  work.train_rows = static_cast<double>(train_rows);
  work.steps = static_cast<double>(t.steps(train_rows));
  work.visits = t.max_steps > 0 ? work.steps * static_cast<double>(t.rows_a_step())
                                : static_cast<double>(t.epochs) * work.train_rows;

  auto selection = static_cast<double>(spec.selection.kept_out());
  if (spec.selection.from == "validation") selection = static_cast<double>(task.validation_rows);
  if (spec.selection.from == "reported") selection = static_cast<double>(task.test_rows.front());
  const double between =
      static_cast<double>(spec.selection.every_steps > 0 ? spec.selection.every_steps : t.steps_an_epoch(train_rows));
  const double tests =
      static_cast<double>(std::accumulate(task.test_rows.begin(), task.test_rows.end(), std::int64_t{0}));
  work.evaluated = selection * std::floor(work.steps / between) + tests;
  // Features of a base that only evaluates are computed once a row.
  work.features_once = worker::computes_features_once(spec, backbone);
  if (work.features_once) work.evaluated = selection + tests + std::min(work.train_rows, work.visits);
  work.visits *= work.sequences;
  work.evaluated *= work.sequences;
  return work;
}

double predicted_seconds(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone,
                         const ProductSpeed& products, std::int64_t ranks) {
  const Workload work = workload_of(spec, task, backbone);
  const worker::TokenCost cost = worker::token_cost(spec, backbone, work.tokens);
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  const double training_token = token_seconds(spec, products, cost.training, cost.training_trained);
  const double evaluated_token = token_seconds(spec, products, cost.evaluation, cost.evaluation_trained);
  const auto trained = static_cast<double>(counts.method + counts.head), width = static_cast<double>(spec.width);
  const double sharing = ranks > 0 ? std::min(static_cast<double>(ranks), width) : width;
  const double rounds = std::ceil(width / sharing);  // a rank's shards, one after the other
  const double target = work.targets / (products.gflops * 1e9);
  const double training = work.visits * (work.tokens * training_token + target * cost.training_target) * rounds /
                          width * waiting(static_cast<double>(spec.training.batch_size), width);
  const double evaluating =
      work.evaluated * (work.tokens * evaluated_token + target * cost.evaluation_target) / sharing;
  const double sums = spec.width == 1 ? 0 : rounds * (kSumSeconds + 4 * trained / kSumBytesPerSecond);
  const double passes = static_cast<double>(spec.training.accumulate) * cost.training_pass / (products.gflops * 1e9);
  return kTrialSeconds + training + evaluating + work.steps * (kStepSeconds + passes + kUpdateSeconds * trained + sums);
}

std::int64_t disk_bytes(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone) {
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  std::int64_t stored = (spec.keep == "all" ? counts.method : counts.stored) + counts.head;
  if (spec.keep == "none") stored = 0;
  std::int64_t rows = 0;
  for (const std::int64_t test : task.test_rows) rows += test;
  const std::int64_t logits = spec.logits ? worker::outputs_of(spec.task) : 0;
  return kFileBytes + 4 * stored + (kPredictionBytes + 4 * logits) * rows;
}

std::int64_t memory_bytes(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone) {
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  // The value, its gradient, AdamW's two moments, and the best step kept for later.
  const std::int64_t trained = 5 * 4 * (counts.method + counts.head);
  const Workload work = workload_of(spec, task, backbone);
  const worker::Geometry& geometry = backbone.model.geometry;
  const auto tokens = static_cast<std::int64_t>(work.tokens * work.sequences) * spec.training.batch_size;
  const std::int64_t a_token = 4 * (12 * geometry.width + 3 * geometry.ffn_width);
  const std::int64_t layers = work.features_once ? 1 : geometry.layers;
  const bool predicts = work.targets > 0 && worker::token_cost(spec, backbone, work.tokens).evaluation_target > 0;
  const std::int64_t scores = predicts ? 2 * 4 * kScoredLines * backbone.model.config.vocabulary : 0;
  return trained + layers * tokens * a_token + scores;
}

}  // namespace peftgrid::orchestrator
