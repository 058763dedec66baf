#pragma once

#include <memory>

#include "worker/backbones/backbone.hpp"
#include "worker/methods/method.hpp"
#include "worker/trial.hpp"

/// Name to factory: registry.cpp is the only file that sees backbones and methods together.
namespace peftgrid::worker {

/// `pretrained_pooler`: the folder holds one. `dropout` below 0: the model's own rates.
std::unique_ptr<Backbone> make_backbone(const BackboneSpec& spec, bool pretrained_pooler, double dropout);
std::unique_ptr<Method> make_method(const MethodSpec& spec, const Borrow& borrow);

}  // namespace peftgrid::worker
