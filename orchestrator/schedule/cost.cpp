#include "orchestrator/schedule/cost.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace peftgrid::orchestrator {

namespace {

using worker::BackboneFacts;
using worker::ParameterCounts;
using worker::TaskFacts;
using worker::TrialSpec;

// Large products are about half of a step's time; norms, activations, attention's small products are the rest.
constexpr double kStepOverProducts = 1.9;
constexpr double kBf16Gain = 1.4;
constexpr double kStepSeconds = 1e-3;        // whatever its size: drawing rows, scheduling, clipping
constexpr double kTrialSeconds = 0.05;       // dispatch, start, publish
constexpr double kUpdateSeconds = 3e-9;      // AdamW per parameter and step
constexpr double kCharactersPerToken = 4.3;  // of English under a WordPiece vocabulary
constexpr std::int64_t kFileBytes = 24'000;  // an HDF5 file with spec, environment and curve
constexpr std::int64_t kPredictionBytes = 16;

double rows_kept_out(const TrialSpec& spec) {
  return spec.selection.from == "rows" ? static_cast<double>(spec.selection.rows) : 0;
}

bool keeps_only_head(const std::string& method) {
  return method == "full" || method == "top_layers";
}

}  // namespace

Workload workload_of(const TrialSpec& spec, const TaskFacts& task) {
  const worker::TrainingSpec& t = spec.training;
  Workload work;
  const double special = spec.task.text.size() == 2 ? 3 : 2;
  work.tokens = std::min(static_cast<double>(t.max_length), task.mean_characters / kCharactersPerToken + special);
  work.train_rows = spec.train_size > 0 ? static_cast<double>(spec.train_size)
                                        : static_cast<double>(task.train_rows) - rows_kept_out(spec);
  const auto rows_a_step = static_cast<double>(t.batch_size * t.accumulate);
  const double steps_an_epoch = std::ceil(work.train_rows / rows_a_step);
  work.steps = t.max_steps > 0 ? static_cast<double>(t.max_steps) : static_cast<double>(t.epochs) * steps_an_epoch;
  work.visits = t.max_steps > 0 ? work.steps * rows_a_step : static_cast<double>(t.epochs) * work.train_rows;

  double selection = rows_kept_out(spec);
  if (spec.selection.from == "validation") selection = static_cast<double>(task.validation_rows);
  const double between =
      spec.selection.every_steps > 0 ? static_cast<double>(spec.selection.every_steps) : steps_an_epoch;
  const double tests =
      static_cast<double>(std::accumulate(task.test_rows.begin(), task.test_rows.end(), std::int64_t{0}));
  work.evaluated = selection * std::floor(work.steps / between) + tests;
  // Features of a base that only evaluates are computed once a row.
  if (spec.method.name == "head") work.evaluated = selection + tests + std::min(work.train_rows, work.visits);
  return work;
}

double predicted_seconds(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone, double gflops) {
  const Workload work = workload_of(spec, task);
  const worker::TokenCost cost = worker::token_cost(spec, backbone, work.tokens);
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  const double flop = work.tokens * (work.visits * cost.training + work.evaluated * cost.evaluation);
  const double rate = gflops * 1e9 * (spec.precision == "bf16" ? kBf16Gain : 1) / kStepOverProducts;
  const double update = kUpdateSeconds * static_cast<double>(counts.method + counts.head);
  return kTrialSeconds + flop / rate + work.steps * (kStepSeconds + update);
}

std::int64_t disk_bytes(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone) {
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  std::int64_t stored = counts.method + counts.head;
  if (spec.keep == "none") stored = 0;
  if (spec.keep == "adapters" && keeps_only_head(spec.method.name)) stored = counts.head;
  std::int64_t rows = 0;
  for (const std::int64_t test : task.test_rows) rows += test;
  return kFileBytes + 4 * stored + kPredictionBytes * rows;
}

std::int64_t memory_bytes(const TrialSpec& spec, const TaskFacts& task, const BackboneFacts& backbone) {
  const ParameterCounts counts = worker::count_trained(spec, backbone);
  // The value, its gradient, AdamW's two moments, and the best step kept for later.
  const std::int64_t trained = 5 * 4 * (counts.method + counts.head);
  const auto tokens = static_cast<std::int64_t>(workload_of(spec, task).tokens) * spec.training.batch_size;
  const std::int64_t a_token = 4 * (12 * backbone.width + 3 * backbone.ffn_width);
  const std::int64_t layers = spec.method.name == "head" ? 1 : backbone.layers;
  return trained + layers * tokens * a_token;
}

}  // namespace peftgrid::orchestrator
