#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/grid/grid_file.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::MethodInfo;
using worker::OptionInfo;
using worker::OptionValue;

constexpr std::size_t kMostCells = 10'000;
constexpr double kLeastRate = 1e-9, kMostRate = 10;

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const MethodInfo& method : worker::methods()) names.push_back(method.name);
  return names;
}

/// A list of names in the catalogue's order, so that one choice has one trial id however it is written.
OptionValue read_text_list(const Node& node, const OptionInfo& option) {
  std::vector<std::string> given;
  for (const Node* item : items_of(node, option.name)) {
    given.push_back(choice_of(*item, "an item of " + option.name, option.choices));
    if (std::ranges::count(given, given.back()) > 1) {
      item->fail(fmt::format("{} is twice in {}", worker::in_quotes(given.back()), option.name));
    }
  }
  const bool all = std::ranges::find(given, "all") != given.end();
  if (all && given.size() > 1) node.fail(option.name + " names all, and others beside it");
  std::vector<std::string> ordered;
  for (const std::string& choice : option.choices) {
    if (std::ranges::find(given, choice) != given.end()) ordered.push_back(choice);
  }
  return ordered;
}

OptionValue read_option(const Node& node, const OptionInfo& option) {
  switch (option.type) {
    case OptionInfo::Type::Integer:
      return integer_of(node, option.name, option.least, option.most);
    case OptionInfo::Type::Real:
      return real_of(node, option.name, option.least, option.most);
    case OptionInfo::Type::Text:
      return option.choices.empty() ? line_of(node, option.name) : choice_of(node, option.name, option.choices);
    case OptionInfo::Type::TextList:
      break;
  }
  return read_text_list(node, option);
}

/// The values that make one cell each: the items of a list; for an option that is a list itself, those of a list of
/// lists.
std::vector<const Node*> alternatives(const Node& node, const std::string& key, bool is_list_itself) {
  if (node.kind != Node::Kind::List) return {&node};
  const bool nested = !node.items.empty() && node.items[0].kind == Node::Kind::List;
  if (is_list_itself && !nested) return {&node};
  const std::vector<const Node*> values = items_of(node, key);
  for (auto value = values.begin(); value != values.end(); ++value) {
    const auto is_it = [&](const Node* other) {
      return (*value)->kind == Node::Kind::Scalar && other->scalar == (*value)->scalar;
    };
    if (std::any_of(values.begin(), value, is_it))
      (*value)->fail(fmt::format("{} is {} twice in this list; each value makes a cell", key, (*value)->scalar));
  }
  return values;
}

/// Replaces each entry by one for each alternative.
template <typename Set>
void multiply(std::vector<MethodEntry>& entries, const std::vector<const Node*>& values, Set set) {
  std::vector<MethodEntry> product;
  if (entries.size() * values.size() > kMostCells)
    values[0]->fail(fmt::format("more than {} cells of one method", kMostCells));
  for (const MethodEntry& entry : entries) {
    for (const Node* value : values) {
      product.push_back(entry);
      set(product.back(), *value);
    }
  }
  entries = std::move(product);
}

bool says_how_to_train(const std::string& key) {
  return std::ranges::find(training_keys(), key, &TrainingKey::name) != training_keys().end();
}

/// How to train is a map of its own; users of other programs look for its keys beside the options.
void refuse_training_keys(const Node& options, const std::string& method, const std::vector<std::string>& known) {
  for (const Node::Entry& entry : options.entries) {
    if (!says_how_to_train(entry.key) || std::ranges::find(known, entry.key) != known.end()) continue;
    entry.key_node.fail(fmt::format("{} has no key {}; it goes into `training: {{{}: ...}}`", method,
                                    worker::in_quotes(entry.key), entry.key));
  }
}

/// Where nothing trains, only the length of rows is read of what says how to.
void check_untrained(const Node& options, const std::string& method) {
  for (const Node::Entry& entry : options.entries) {
    if (entry.key == "training") check_untrained(entry.value, method);
    if (entry.key == "width" || (says_how_to_train(entry.key) && entry.key != "max_length"))
      entry.key_node.fail(fmt::format("{} trains nothing, and has no {}; leave it out", method, entry.key));
  }
}

std::vector<MethodEntry> expand(const MethodInfo& info, const Node& place, const Node& options) {
  std::vector<std::string> known;
  for (const OptionInfo& option : info.options) known.push_back(option.name);
  for (const char* key : {"name", "learning_rate", "width", "training"}) known.emplace_back(key);
  if (worker::is_untrained(info.name)) check_untrained(options, info.name);
  refuse_training_keys(options, info.name, known);
  check_keys(options, info.name, known);

  MethodEntry first;
  first.node = place;
  first.spec.name = info.name;
  for (const OptionInfo& option : info.options) first.spec.options[option.name] = option.fallback;
  const Node* name = options.find("name");
  first.name = name ? name_of(*name, "name") : info.name;
  if (const Node* training = options.find("training")) first.training = TrainingLayer(*training);

  std::vector<MethodEntry> entries = {first};
  for (const Node::Entry& given : options.entries) {
    if (given.key == "name" || given.key == "training") continue;
    if (given.key == "learning_rate") {
      if (first.training.find("learning_rate") != nullptr) {
        given.value.fail("learning_rate is given here and in this method's training; one of them decides");
      }
      multiply(entries, alternatives(given.value, given.key, false), [](MethodEntry& entry, const Node& value) {
        entry.learning_rate = real_of(value, "learning_rate", kLeastRate, kMostRate);
        entry.rate_origin = value.origin;
      });
      continue;
    }
    if (given.key == "width") {
      multiply(entries, alternatives(given.value, given.key, false), [](MethodEntry& entry, const Node& value) {
        entry.width = width_of(value);
        entry.origins["width"] = value.origin;
      });
      continue;
    }
    const OptionInfo& option = *std::ranges::find(info.options, given.key, &OptionInfo::name);
    const bool is_list = option.type == OptionInfo::Type::TextList;
    multiply(entries, alternatives(given.value, given.key, is_list), [&](MethodEntry& entry, const Node& value) {
      entry.spec.options[option.name] = read_option(value, option);
      entry.origins[option.name] = value.origin;
    });
  }
  return entries;
}

std::vector<MethodEntry> read_method(const Node& item) {
  static const Node kNothing = [] {
    Node node;
    node.kind = Node::Kind::Map;
    return node;
  }();
  if (item.kind == Node::Kind::List) item.fail("a method is a list; its name, or {name: {options}}, would be right");
  if (item.kind == Node::Kind::Map && item.entries.size() != 1) {
    item.fail(
        "an item of methods is one method, like `- lora: {rank: 8}`; options belong inside, indented below its name");
  }
  const bool map = item.kind == Node::Kind::Map;
  const std::string name = map ? item.entries[0].key : text_of(item, "a method");
  const MethodInfo* info = worker::find_method(name);
  if (info == nullptr) {
    const std::string called = worker::method_called(name);
    const std::string near = called.empty() ? worker::nearest_name(name, method_names()) : called;
    item.fail(
        fmt::format("no method {}; {}", worker::in_quotes(name),
                    near.empty() ? "docs/grid_file.md lists them" : "did you mean " + worker::in_quotes(near) + "?"));
  }
  const bool options = map && item.entries[0].value.kind != Node::Kind::Empty;
  return expand(*info, item, options ? item.entries[0].value : kNothing);
}

}  // namespace

std::vector<MethodEntry> read_methods(const Node& node) {
  std::vector<MethodEntry> all;
  for (const Node* item : items_of(node, "methods")) {
    for (MethodEntry& entry : read_method(*item)) all.push_back(std::move(entry));
    if (all.size() > kMostCells) item->fail(fmt::format("more than {} methods", kMostCells));
  }
  return all;
}

}  // namespace peftgrid::orchestrator
