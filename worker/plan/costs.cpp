#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "worker/catalogue.hpp"

namespace peftgrid::worker {

namespace {

std::int64_t integer(const MethodSpec& method, const char* option) {
  return std::get<std::int64_t>(method.options.at(option));
}

const std::vector<std::string>& texts(const MethodSpec& method, const char* option) {
  return std::get<std::vector<std::string>>(method.options.at(option));
}

/// Parameters of one transformer layer: four square linear layers, the feed-forward pair, two norms.
std::int64_t layer_parameters(const BackboneFacts& b) {
  return 4 * (b.width * b.width + b.width) + 2 * b.width * b.ffn_width + b.ffn_width + b.width + 4 * b.width;
}

std::int64_t pooler_parameters(const BackboneFacts& b) {
  return b.width * b.width + b.width;
}

/// Width in and out of a linear layer, by its target name.
std::pair<std::int64_t, std::int64_t> linear_shape(const std::string& target, const BackboneFacts& b) {
  if (target == "ffn_up") return {b.width, b.ffn_width};
  if (target == "ffn_down") return {b.ffn_width, b.width};
  return {b.width, b.width};
}

std::int64_t lora_parameters(const MethodSpec& method, const BackboneFacts& b) {
  std::int64_t widths = 0;
  for (const std::string& target : texts(method, "targets")) {
    const auto [in, out] = linear_shape(target, b);
    widths += in + out;
  }
  return b.layers * integer(method, "rank") * widths;
}

std::int64_t bitfit_parameters(const MethodSpec& method, const BackboneFacts& b, bool reads_pretrained_pooler) {
  const auto& biases = texts(method, "biases");
  const bool all = std::ranges::find(biases, "all") != biases.end();
  const auto on = [&](const char* name) { return all || std::ranges::find(biases, name) != biases.end(); };
  std::int64_t per_layer = 0;
  for (const char* name : {"query", "key", "value", "attention_output", "ffn_down", "attention_norm", "ffn_norm"}) {
    if (on(name)) per_layer += b.width;
  }
  if (on("ffn_up")) per_layer += b.ffn_width;
  std::int64_t count = b.layers * per_layer;
  if (on("embedding_norm")) count += b.width;
  if (on("pooler") && reads_pretrained_pooler) count += b.width;
  return count;
}

std::int64_t method_parameters(const TrialSpec& spec, const BackboneFacts& b, bool reads_pretrained_pooler) {
  const MethodSpec& method = spec.method;
  const std::int64_t pooler = reads_pretrained_pooler ? pooler_parameters(b) : 0;
  if (method.name == "full") return b.parameters - (b.has_pooler ? pooler_parameters(b) : 0) + pooler;
  if (method.name == "top_layers") return integer(method, "layers") * layer_parameters(b) + pooler;
  if (method.name == "lora") return lora_parameters(method, b);
  if (method.name == "bitfit") return bitfit_parameters(method, b, reads_pretrained_pooler);
  if (method.name == "pfeiffer") {
    const std::int64_t bottleneck = b.width / integer(method, "reduction");
    return b.layers * (2 * bottleneck * b.width + bottleneck + b.width);
  }
  if (method.name == "prefix") return 2 * b.layers * b.width * integer(method, "length");
  if (method.name == "prompt") return b.width * integer(method, "length");
  return 0;
}

/// Arithmetic of the forward pass per token: linear layers, and attention over `keys` keys.
double forward(const BackboneFacts& b, double keys) {
  const auto d = static_cast<double>(b.width), f = static_cast<double>(b.ffn_width),
             layers = static_cast<double>(b.layers);
  return layers * (2 * (4 * d * d + 2 * d * f) + 4 * d * keys);
}

constexpr std::int64_t kSmallBase = 60'000'000;

struct Rate {
  const char* method;
  double small, small_regression, large;
};
constexpr std::array<Rate, 8> kRates = {{{"full", 2e-4, 1e-4, 3e-5},
                                         {"head", 1e-2, 3e-3, 1e-3},
                                         {"top_layers", 5e-4, 2e-3, 1e-4},
                                         {"lora", 4e-3, 1e-3, 1e-3},
                                         {"bitfit", 2e-3, 6e-3, 1e-3},
                                         {"pfeiffer", 3e-3, 7.5e-4, 5e-4},
                                         {"prefix", 1e-2, 8e-2, 5e-3},
                                         {"prompt", 2e-2, 5e-3, 5e-3}}};

}  // namespace

double default_learning_rate(const std::string& method, const TaskSpec& task, const BackboneFacts& backbone) {
  const auto rate = std::ranges::find_if(kRates, [&](const Rate& entry) { return method == entry.method; });
  if (rate == kRates.end()) throw std::invalid_argument("no default rate for the method " + method);
  if (!rates_are_swept(backbone)) return rate->large;
  return task.targets == "standardized" ? rate->small_regression : rate->small;
}

bool rates_are_swept(const BackboneFacts& backbone) {
  return backbone.parameters < kSmallBase;
}

ParameterCounts count_trained(const TrialSpec& spec, const BackboneFacts& b) {
  const bool reads_pooler = spec.backbone.readout == "pooler";
  const std::int64_t outputs = spec.task.kind == "regression" ? 1 : static_cast<std::int64_t>(spec.task.labels.size());
  ParameterCounts counts;
  counts.method = method_parameters(spec, b, reads_pooler && b.has_pooler);
  counts.head = b.width * outputs + outputs;
  if (reads_pooler && !b.has_pooler) counts.head += pooler_parameters(b);
  return counts;
}

TokenCost token_cost(const TrialSpec& spec, const BackboneFacts& b, double length) {
  const std::string& method = spec.method.name;
  const double extra =
      method == "prefix" || method == "prompt" ? static_cast<double>(integer(spec.method, "length")) : 0;
  // A prompt's own vectors pass through every layer beside the row's tokens; a prefix is only attended to.
  const double rows = method == "prompt" ? (length + extra) / length : 1;
  const double once = forward(b, length + extra) * rows;
  TokenCost cost{2 * once, once};
  if (method == "full") cost = {3 * once, once, 3 * once, once};
  // The frozen base runs once per row and its features are kept; see predicted_seconds.
  if (method == "head") cost.training = 0;
  if (method == "top_layers") {
    const double share = static_cast<double>(integer(spec.method, "layers")) / static_cast<double>(b.layers);
    cost = {once * (1 + 2 * share), once, 3 * once * share, once * share};
  }
  return cost;
}

}  // namespace peftgrid::worker
