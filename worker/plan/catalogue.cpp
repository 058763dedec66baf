#include "worker/catalogue.hpp"

#include <fmt/format.h>

#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kSmallBase = 60'000'000, kSmallDecoder = 400'000'000;

MethodContext context_of(const TrialSpec& spec, const BackboneFacts& backbone) {
  return context_of(spec, backbone.as_read(spec));
}

std::int64_t total(const std::vector<ParameterFact>& facts) {
  std::int64_t sum = 0;
  for (const ParameterFact& fact : facts) sum += elements(fact.shape);
  return sum;
}

/// Arithmetic of the forward pass per token: linear layers, and attention over `keys` keys.
double forward(const Geometry& geometry, double keys) {
  double products = 0;
  for (const Site site : kSites) {
    const SiteFacts& here = geometry.at(site);
    if (here.product && !once_a_pass(site)) products += static_cast<double>(here.in) * static_cast<double>(here.out);
  }
  const auto width = static_cast<double>(geometry.query_width());
  return static_cast<double>(geometry.layers) * (2 * products + 4 * width * keys);
}

void check_positions(const TrialSpec& spec, const MethodFacts& facts, const ModelFacts& model) {
  const std::int64_t before = facts.prompt + facts.position_shift, positions = model.geometry.max_positions;
  if (spec.training.max_length + before <= positions) return;
  std::string what = fmt::format("max_length is {}", spec.training.max_length);
  if (before > 0) {
    what = fmt::format("max_length {} and {} of {} make {}", spec.training.max_length,
                       facts.prompt > 0 ? "a prompt" : "a prefix", before, spec.training.max_length + before);
  }
  if (model.config.held_to_window) {
    throw UsageError(
        fmt::format("{}; tokens of the backbone {} see a window of {} (\"sliding_window\" of its config.json), to "
                    "which rows are held here; `training: {{max_length: {}}}` would be right",
                    what, spec.backbone.name, positions, positions - before));
  }
  throw UsageError(fmt::format("{}; the backbone {} has {} positions", what, spec.backbone.name, positions));
}

void check_input(const TrialSpec& spec, const ModelFacts& model) {
  if (spec.backbone.input == kInputPlain) return;
  if (!model.geometry.causal) {
    throw UsageError(
        fmt::format("the backbone {} has `input: {}`, which is for decoders; its own, plain, would be right",
                    spec.backbone.name, spec.backbone.input));
  }
  if (spec.backbone.readout != kReadsLast) {
    throw UsageError(fmt::format("`input: {}` ends each row with a token to be read; `readout: {}` would be right",
                                 spec.backbone.input, kReadsLast));
  }
}

}  // namespace

MethodContext context_of(const TrialSpec& spec, const ModelFacts& model) {
  return {spec.method, model, spec.task, spec.backbone.readout, spec.training.max_length, spec.backbone.input};
}

BackboneFacts::BackboneFacts(const Architecture& architecture, const ModelConfig& config, bool pooler)
    : model(architecture, config, {.pooler = pooler}),
      without_pooler(architecture, config, {}),
      with_output(architecture, config, {.output = true}) {}

const ModelFacts& BackboneFacts::as_read(const TrialSpec& spec) const {
  if (predicts_tokens(spec)) return with_output;
  return spec.backbone.readout == kReadsPooler ? model : without_pooler;
}

std::vector<std::string> readouts() {
  return {kReadsPooler, kReadsFirst, kReadsMean, kReadsLast};
}

std::optional<std::string> does_not_apply(const TrialSpec& spec, const BackboneFacts& backbone) {
  const MethodContext context = context_of(spec, backbone);
  const MethodPlan& plan = method_plan(spec.method.name);
  if (auto reason = plan.does_not_apply(context)) return reason;
  return kind_does_not_apply(spec, context.model, plan.facts(context));
}

std::vector<std::string> idle_options(const TrialSpec& spec, const BackboneFacts& backbone) {
  return method_plan(spec.method.name).idle_options(context_of(spec, backbone));
}

std::vector<std::string> absent_parts(const TrialSpec& spec, const BackboneFacts& backbone) {
  return method_plan(spec.method.name).absent_parts(context_of(spec, backbone));
}

void check_backbone(const TrialSpec& spec, const BackboneFacts& backbone) {
  check_input(spec, backbone.as_read(spec));
  if (predicts_tokens(spec) && !backbone.no_output.empty()) throw UsageError(backbone.no_output);
}

void check_length(const TrialSpec& spec, const BackboneFacts& backbone) {
  check_positions(spec, {}, backbone.as_read(spec));
}

void check_method(const TrialSpec& spec, const BackboneFacts& backbone) {
  const MethodContext context = context_of(spec, backbone);
  const MethodPlan& plan = method_plan(spec.method.name);
  plan.check(context);
  const MethodFacts facts = plan.facts(context);
  check_positions(spec, facts, context.model);
  if (facts.padded_to > 0 && spec.device != "cpu") {
    throw UsageError(
        "padded rows are computed on the CPU only; `gate_positions: real`, or --device cpu, would be right");
  }
}

double default_learning_rate(const MethodSpec& method, const TaskSpec& task, const BackboneFacts& backbone) {
  const DefaultRates rates = method_plan(method.name).rates_of(method);
  if (!has_swept_rate(method, backbone)) return rates.large;
  if (backbone.model.geometry.causal) return rates.decoder;
  return task.targets == "standardized" ? rates.small_regression : rates.small;
}

std::string method_called(const std::string& name) {
  for (const MethodInfo& method : methods()) {
    for (const std::string& other : method_plan(method.name).also_called()) {
      if (folded(other) == folded(name)) return method.name;
    }
  }
  return {};
}

std::optional<double> published_rate(const std::string& method, const std::string& protocol) {
  return method_plan(method).published_rate(protocol);
}

bool has_swept_rate(const MethodSpec& method, const BackboneFacts& backbone) {
  const std::int64_t parameters = backbone.model.parameters();
  if (!backbone.model.geometry.causal) return parameters < kSmallBase;
  return parameters < kSmallDecoder && method_plan(method.name).rates_of(method).decoder > 0;
}

ParameterCounts count_trained(const TrialSpec& spec, const BackboneFacts& backbone) {
  const MethodContext context = context_of(spec, backbone);
  const MethodFacts facts = method_plan(spec.method.name).facts(context);
  const std::int64_t head = total(objective_plan(spec.task.kind).head(context));
  return {facts.trained(), facts.freezes_head ? 0 : head, facts.kept()};
}

bool computes_features_once(const TrialSpec& spec, const BackboneFacts& backbone) {
  return computes_features_once(spec, method_plan(spec.method.name).facts(context_of(spec, backbone)));
}

bool is_untrained(const std::string& method) {
  return find_method(method) != nullptr && method_plan(method).is_untrained();
}

bool is_baseline(const MethodSpec& method) {
  return find_method(method.name) != nullptr && method_plan(method.name).is_baseline(method);
}

TokenCost token_cost(const TrialSpec& spec, const BackboneFacts& backbone, double length) {
  const MethodContext context = context_of(spec, backbone);
  const MethodFacts facts = method_plan(spec.method.name).facts(context);
  const auto prompt = static_cast<double>(facts.prompt), keys = static_cast<double>(facts.extra_keys);
  // A prompt's own vectors pass through every layer beside the row's tokens; a prefix is only attended to.
  double queries = length + prompt;
  if (facts.padded_to > 0) queries = static_cast<double>(facts.padded_to);
  const double once = forward(context.model.geometry, length + prompt + keys) * (queries / length);
  const double product = predicts_tokens(spec) ? 2 * static_cast<double>(context.model.config.vocabulary) *
                                                     static_cast<double>(context.model.geometry.width)
                                               : 0;
  // The frozen base runs once per row and its features are kept; see predicted_seconds.
  if (computes_features_once(spec, facts)) return {0, once, 0, 0, 0, 0, product};
  const double below = facts.trained_base > 0 ? once * (1 + 2 * facts.trained_base) : 2 * once;
  // A trained number costs three products: forward, its gradient and its input's.
  const double own = 2 * static_cast<double>(facts.token_products), pass = 2 * static_cast<double>(facts.pass_products);
  const double trained = once * facts.trained_base + own;
  // The scores and their gradient; where tables train the scores once more, and the tables' gradient.
  const double target = (facts.trained_base > 0 || spec.backbone.input != kInputPlain ? 4 : 2) * product;
  return {below + 3 * own, once + own, 3 * trained, trained, 3 * pass, target, product};
}

}  // namespace peftgrid::worker
