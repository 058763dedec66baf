#pragma once

#include <memory>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/prefix_plan.hpp"

namespace peftgrid::worker {

/// Prefix tuning with these settings, whatever the method that it is, or is a part of, is called.
std::unique_ptr<Method> make_prefix_of(const MethodSetup& setup, const PrefixSettings& settings);

}  // namespace peftgrid::worker
