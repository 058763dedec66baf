#include "orchestrator/grid/overrides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "orchestrator/grid/values.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::UsageError;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::size_t> index_of(const std::string& part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  return index;
}

/// The node one step further down the path of `--set`; made where a map has none yet.
Node& step(Node& parent, const std::string& part, const Node& made) {
  if (parent.kind == Node::Kind::List) {
    const auto index = index_of(part);
    if (!index || *index >= parent.items.size()) {
      made.fail(fmt::format("{} is no item of the list on {}; it has items 0 to {}", worker::in_quotes(part),
                            parent.origin, parent.items.size() - 1));
    }
    return parent.items[*index];
  }
  if (parent.kind == Node::Kind::Scalar) {
    made.fail(fmt::format("{} cannot be set inside the plain value on {}; set the whole value", worker::in_quotes(part),
                          parent.origin));
  }
  parent.kind = Node::Kind::Map;
  if (Node* found = parent.find(part)) return *found;
  parent.entries.push_back({part, made, made});
  return parent.entries.back().value;
}

}  // namespace

void set_value(Node& root, const std::string& argument) {
  const std::string place = "--set " + argument;
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(place + ": is not key=value, like --set training.epochs=2");
  }
  const Node value = parse_command_line_value(std::string_view(argument).substr(equals + 1), place);
  Node made;
  made.place = place;
  made.origin = "--set";
  made.on_command_line = true;
  Node* at = &root;
  for (const std::string& part : split(std::string_view(argument).substr(0, equals), '.')) {
    if (part.empty()) throw UsageError(place + ": a part of the key is empty");
    at = &step(*at, part, made);
  }
  *at = value;
}

Filter::Filter(const std::vector<std::string>& only) {
  const std::vector<std::string> keys = {"backbone", "task", "method", "size", "seed"};
  for (const std::string& argument : only) {
    const std::string place = "--only " + argument;
    for (const std::string& part : split(argument, ',')) {
      const std::size_t equals = part.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == part.size()) {
        throw UsageError(place + ": is not key=value, like --only method=lora,task=sst2");
      }
      const Wanted wanted{part.substr(0, equals), part.substr(equals + 1), place};
      if (std::ranges::find(keys, wanted.key) == keys.end()) {
        throw UsageError(
            fmt::format("{}: no key {}{}", place, worker::in_quotes(wanted.key), suggestion(wanted.key, keys)));
      }
      wanted_.push_back(wanted);
    }
  }
}

bool Filter::matches(const std::string& key, const std::vector<std::string>& values) const {
  bool asked = false;
  for (const Wanted& wanted : wanted_) {
    if (wanted.key != key) continue;
    asked = true;
    if (std::ranges::find(values, wanted.value) != values.end()) return true;
  }
  return !asked;
}

bool Filter::takes(const std::string& backbone, const std::string& task, const std::string& method,
                   const std::string& label, std::int64_t train_size) const {
  return matches("backbone", {backbone}) && matches("task", {task}) && matches("method", {method, label}) &&
         matches("size", {train_size == 0 ? "all" : std::to_string(train_size)});
}

bool Filter::takes(const worker::TrialSpec& spec) const {
  return takes(spec.backbone.name, spec.task.name, spec.method.name, spec.label, spec.train_size) &&
         matches("seed", {std::to_string(spec.seed)});
}

void Filter::check(const std::string& key, const std::vector<std::string>& known) const {
  for (const Wanted& wanted : wanted_) {
    if (wanted.key != key || std::ranges::find(known, wanted.value) != known.end()) continue;
    const bool number = key == "size" || key == "seed";
    throw UsageError(fmt::format("{}: the grid has no {} {}{}", wanted.argument, key, worker::in_quotes(wanted.value),
                                 number ? "; it has " + worker::joined(known) : suggestion(wanted.value, known)));
  }
}

}  // namespace peftgrid::orchestrator
