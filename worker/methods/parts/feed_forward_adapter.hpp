#pragma once

#include <memory>
#include <string>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/bottleneck.hpp"

namespace peftgrid::worker {

/// The tensors that feed_forward_adapter_facts lists, behind the feed-forward part and reading the residual stream:
/// h' = h_F + f(joined). Weights N(0, 0.02), biases 0.
std::unique_ptr<Method> make_serial_adapter(const MethodSetup& setup, const std::string& activation);

/// The same beside it: h' = h_F + scale f(h), h the stream that h_F is added to. W_down uniform in ±1/sqrt(width), W_up
/// 0: the identity at start.
std::unique_ptr<Method> make_parallel_adapter(const MethodSetup& setup, const std::string& activation, double scale);

}  // namespace peftgrid::worker
