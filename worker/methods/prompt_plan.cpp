#include <fmt/format.h>

#include "worker/errors.hpp"
#include "worker/methods/parts/prompt_plan.hpp"

namespace peftgrid::worker {

namespace {

class PromptPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"prompt",
            "trained vectors in front of the text",
            {integer("length", 10, 4096, "how many"),
             choice("init", {"random", "vocabulary", "text"},
                    "random values, or the vectors of random tokens, or those of a text's tokens"),
             added_later(text("text", "", "for init text; repeated or cut to the length")),
             added_later(readout_at_option())}};
  }
  std::vector<std::string> also_called() const override { return {"prompt-tuning", "soft-prompt", "soft-prompts"}; }
  DefaultRates rates() const override { return {2e-2, 5e-3, 5e-3, 5e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts = prompt_facts(context.method);
    facts.parameters.push_back({"prompt", {facts.prompt, context.model.geometry.width}});
    return facts;
  }

  std::string starting_text(const MethodSpec& method) const override { return text_option(method, "text"); }

  void check(const MethodContext& context) const override {
    check_prompt(context);
    const std::string& init = text_option(context.method, "init");
    const bool given = !text_option(context.method, "text").empty();
    if (init == "text" && !given) {
      throw UsageError(fmt::format("{0}.init is text, and there is no {0}.text to start from", context.method.name));
    }
    if (init != "text" && given) {
      throw UsageError(
          fmt::format("{0}.text is given, and {0}.init is {1}; only init text reads it", context.method.name, init));
    }
  }
};

}  // namespace

const MethodPlan& prompt_plan() {
  static const PromptPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
