#pragma once

#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

/// What methods with vectors in front of the text have in common: the options `length` and `readout_at`.
namespace peftgrid::worker {

OptionInfo readout_at_option();
/// All but what trains.
MethodFacts prompt_facts(const MethodSpec& method);
/// Throws UsageError where the prompt leaves the text no position, or the readout takes no first token that could be
/// the prompt's.
void check_prompt(const MethodContext& context);

}  // namespace peftgrid::worker
