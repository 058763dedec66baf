#include <fmt/format.h>

#include <algorithm>

#include "worker/catalogue.hpp"
#include "worker/errors.hpp"

namespace peftgrid::worker {

namespace {

std::int64_t asked(const MethodSpec& method, const char* option) {
  return std::get<std::int64_t>(method.options.at(option));
}

[[noreturn]] void too_large(const MethodSpec& method, const char* option, std::int64_t most, const char* of_what) {
  throw UsageError(fmt::format("{}.{} is {}; this backbone allows 1 to {}, {}", method.name, option,
                               asked(method, option), most, of_what));
}

void check_lora(const MethodSpec& method, const BackboneFacts& backbone) {
  // Every linear layer has the width of the model on one side at least.
  const std::int64_t most = std::min(backbone.width, backbone.ffn_width);
  if (asked(method, "rank") > most) too_large(method, "rank", most, "the width of its linear layers");
}

}  // namespace

std::optional<std::string> does_not_apply(const MethodSpec& method, const BackboneFacts& backbone,
                                          const std::string& readout) {
  if (method.name == "bitfit" &&
      std::get<std::vector<std::string>>(method.options.at("biases")) == std::vector<std::string>{"pooler"}) {
    if (!backbone.has_pooler) return "the backbone has no pretrained pooler whose bias could be trained";
    if (readout != "pooler")
      return "the readout " + readout + " leaves the pooler out, whose bias alone would be trained";
  }
  return std::nullopt;
}

void check_method(const MethodSpec& method, const BackboneFacts& backbone) {
  const std::string& name = method.name;
  if (name == "lora") check_lora(method, backbone);
  if (name == "top_layers" && asked(method, "layers") > backbone.layers) {
    too_large(method, "layers", backbone.layers, "its number of layers");
  }
  if (name == "pfeiffer" && asked(method, "reduction") > backbone.width) {
    too_large(method, "reduction", backbone.width, "its width");
  }
  if (name == "prompt" && asked(method, "length") >= backbone.max_positions) {
    too_large(method, "length", backbone.max_positions - 1, "as prompt and text share its positions");
  }
}

}  // namespace peftgrid::worker
