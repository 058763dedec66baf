#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/plan/method_plan.hpp"

/// What the plans and tensor parts of prefix tuning have in common, under whatever name it goes.
namespace peftgrid::worker {

/// What a prefix is made of: as a method's options have it, or as the method fixes it.
struct PrefixSettings {
  std::int64_t length = 0;
  std::int64_t network_width = 0;  // of the network that makes keys and values; 0: flat, they train themselves
  double dropout = 0;              // of keys and values, each row's by itself
  bool shifted = false;            // rows begin at position `length` instead of 0
  double deviation = 1;            // of flat keys and values at their start
};

PrefixSettings prefix_settings(const MethodSpec& method);
PrefixSettings ptuning_v2_settings(const MethodSpec& method);
/// Of a method that a prefix made by a network is a part of: its `length` and `network_width`, nothing else.
PrefixSettings part_prefix_settings(const MethodSpec& method);

/// Default rates where a network makes keys and values: what it makes of a step is larger than the step, and at the
/// flat form's rate MiniLM predicts one class. Nothing where they train alone.
std::optional<DefaultRates> network_rates(const MethodSpec& method);

MethodFacts prefix_facts(const PrefixSettings& settings, const Geometry& geometry);
/// The name under which a prefix is stored, and trains where it is flat; `which`: "key" or "value".
std::string prefix_name(std::int64_t layer, std::string_view which);

}  // namespace peftgrid::worker
