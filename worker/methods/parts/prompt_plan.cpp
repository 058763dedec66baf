#include "worker/methods/parts/prompt_plan.hpp"

#include <fmt/format.h>

#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"

namespace peftgrid::worker {

OptionInfo readout_at_option() {
  return choice("readout_at", {"text", "first"},
                "the first token that the head may read: the text's own, or the prompt's first vector as in peft");
}

MethodFacts prompt_facts(const MethodSpec& method) {
  MethodFacts facts;
  facts.prompt = integer_option(method, "length");
  facts.reads_prompt = text_option(method, "readout_at") == "first";
  facts.starts_as_base = false;
  return facts;
}

void check_prompt(const MethodContext& context) {
  const MethodFacts facts = prompt_facts(context.method);
  const std::int64_t positions = context.model.geometry.max_positions;
  if (facts.prompt >= positions) {
    too_large(context.method, "length", positions - 1, "as prompt and text share its positions");
  }
  if (facts.reads_prompt && context.model.geometry.causal) {
    throw UsageError(fmt::format("{}.readout_at is first, and a decoder's first token sees no other; leave it out",
                                 context.method.name));
  }
  if (facts.reads_prompt && context.readout != kReadsPooler && context.readout != kReadsFirst) {
    throw UsageError(fmt::format("{}.readout_at is first, and the readout {} takes no first token; {} or {} would",
                                 context.method.name, context.readout, kReadsPooler, kReadsFirst));
  }
}

}  // namespace peftgrid::worker
