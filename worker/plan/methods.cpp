#include <algorithm>

#include "worker/catalogue.hpp"

namespace peftgrid::worker {

namespace {

using Type = OptionInfo::Type;
using Texts = std::vector<std::string>;

const Texts kTargets = {"query", "key", "value", "attention_output", "ffn_up", "ffn_down"};
const Texts kBiases = {
    "all",      "query", "key", "value", "attention_output", "ffn_up", "ffn_down", "embedding_norm", "attention_norm",
    "ffn_norm", "pooler"};

OptionInfo integer(std::string name, std::int64_t fallback, double most, std::string meaning) {
  return {std::move(name), Type::Integer, fallback, 1, most, {}, std::move(meaning)};
}

OptionInfo texts(std::string name, Texts fallback, Texts choices, std::string meaning) {
  return {std::move(name), Type::TextList, std::move(fallback), 0, 0, std::move(choices), std::move(meaning)};
}

std::vector<MethodInfo> table() {
  return {
      {"full", "every parameter of the base", {}},
      {"head", "the classifier alone; the base runs in evaluation mode", {}},
      {"top_layers",
       "the last layers of the base and its pooler",
       {integer("layers", 2, 1000, "how many layers, counted from the last")}},
      {"lora",
       "a low-rank product added to linear layers",
       {integer("rank", 8, 65536, "inner width of each product"),
        OptionInfo{"alpha", Type::Real, 16.0, 1e-6, 1e6, {}, "the product is scaled by alpha / rank"},
        OptionInfo{"dropout", Type::Real, 0.1, 0, 0.9, {}, "on the input of the product"},
        texts("targets", {"query", "value"}, kTargets, "the linear layers that get one")}},
      {"bitfit", "bias terms", {texts("biases", {"all"}, kBiases, "which of them")}},
      {"pfeiffer",
       "a bottleneck after each feed-forward part",
       {integer("reduction", 16, 65536, "width of the model over width of the bottleneck")}},
      {"prefix", "trained keys and values in every layer", {integer("length", 10, 4096, "how many a layer")}},
      {"prompt",
       "trained vectors in front of the text",
       {integer("length", 10, 4096, "how many"), OptionInfo{"init",
                                                            Type::Text,
                                                            std::string("random"),
                                                            0,
                                                            0,
                                                            {"random", "vocabulary"},
                                                            "random values, or the vectors of random tokens"}}},
  };
}

}  // namespace

const std::vector<MethodInfo>& methods() {
  static const std::vector<MethodInfo> all = table();
  return all;
}

const MethodInfo* find_method(const std::string& name) {
  const auto found = std::ranges::find(methods(), name, &MethodInfo::name);
  return found == methods().end() ? nullptr : &*found;
}

}  // namespace peftgrid::worker
