#pragma once

#include <string>

#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// Adds the facts of a part to those of a method that is the sum of several (parts/sum.hpp): its tensors behind
/// `prefix`.
void add_part(MethodFacts& sum, const std::string& prefix, const MethodFacts& part);

}  // namespace peftgrid::worker
