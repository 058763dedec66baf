#include <fmt/format.h>

#include "worker/errors.hpp"
#include "worker/methods/base_copies_plan.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class FullPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"full",
            "every parameter of the base",
            {added_later(integer(kPretrainedLayers, -1, 1000,
                                 "how many blocks, from the first, start as they were pretrained; -1: all", -1))}};
  }
  std::vector<std::string> also_called() const override {
    return {"finetune", "finetuning", "fine-tuned", "full-finetuning", "full-finetune", "ft", "fft"};
  }
  DefaultRates rates() const override { return {2e-4, 1e-4, 3e-5, 1e-4}; }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(2e-5) : std::nullopt;
  }
  /// Blocks that begin anew make another model of it. A file of an earlier version may lack the option.
  bool is_baseline(const MethodSpec& method) const override {
    return !method.options.contains(kPretrainedLayers) || integer_option(method, kPretrainedLayers) < 0;
  }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts = copies_of_top_layers(context.model, context.model.geometry.layers);
    for (const TensorFact& tensor : context.model.tensors) {
      if (tensor.layer < 0) facts.parameters.push_back(copy_of(tensor, context.model));
    }
    order_as_stored(facts);
    facts.trained_base = 1;
    facts.starts_as_base = integer_option(context.method, kPretrainedLayers) < 0;
    return facts;
  }

  std::vector<std::string> idle_options(const MethodContext& context) const override {
    if (integer_option(context.method, kPretrainedLayers) < context.model.geometry.layers) return {};
    return {kPretrainedLayers};
  }

  void check(const MethodContext& context) const override {
    const std::int64_t layers = context.model.geometry.layers;
    const std::int64_t pretrained = integer_option(context.method, kPretrainedLayers);
    if (pretrained <= layers) return;
    throw UsageError(fmt::format("full.{} is {}; this backbone has {} blocks: 0 to {}, or -1 for all, would be right",
                                 kPretrainedLayers, pretrained, layers, layers));
  }
};

}  // namespace

const MethodPlan& full_plan() {
  static const FullPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
