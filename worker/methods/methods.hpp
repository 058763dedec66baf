#pragma once

#include <memory>

#include "worker/methods/method.hpp"
#include "worker/trial.hpp"

/// One factory a method; registry.cpp gives them their names.
namespace peftgrid::worker {

std::unique_ptr<Method> make_full(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_top_layers(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_head(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_bitfit(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_lora(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_pfeiffer(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_prefix(const MethodSpec& spec, const Borrow& borrow);
std::unique_ptr<Method> make_prompt(const MethodSpec& spec, const Borrow& borrow);

}  // namespace peftgrid::worker
