#pragma once

#include <memory>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// UniPELT's gates around a method: what it adds for a row is multiplied by the mean over the row's tokens u of
/// sigmoid(w u + b). u is what goes into the step, for what is added behind the feed-forward part the stream that it
/// reads, for keys and values the block's input. `setup.facts` lists "PLACE.gate.weight" [width] and "PLACE.gate.bias"
/// [1], PLACE a layer ("layer.3": keys and values, or the feed-forward part) or a step of it ("layer.3.query"). Weights
/// N(0, 0.02), biases 0: gates start about half open.
std::unique_ptr<Method> make_gated(const MethodSetup& setup, std::unique_ptr<Method> method);

/// The facts of a gated method without its gates, and of the gates alone.
MethodFacts without_gates(const MethodFacts& facts);
MethodFacts gates_of(const MethodFacts& facts);

}  // namespace peftgrid::worker
