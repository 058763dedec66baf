#include "orchestrator/grid/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "orchestrator/grid/synonyms.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr std::size_t kMostNameBytes = 80;
constexpr std::size_t kMostLineBytes = 1000;
constexpr double kMostWidth = 4096;
const std::vector<std::string> kReserved = {"tune", "trials_per_pass", "init_from"};

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Empty:
      return "empty";
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Scalar:
      break;
  }
  return worker::in_quotes(node.scalar);
}

[[noreturn]] void wrong(const Node& node, const std::string& key, const std::string& right) {
  node.fail(fmt::format("{} is {}; {} would be right", key, shown(node), right));
}

/// What YAML's quotes make of a number is a text.
void refuse_quoted_number(const Node& node, const std::string& key) {
  if (node.kind != Node::Kind::Scalar || !node.quoted || !worker::parse_number(node.scalar)) return;
  node.fail(fmt::format("{} is {} in quotes, which make it a text; {} without them would be right", key, shown(node),
                        node.scalar));
}

std::string limit(double value) {
  return fmt::format("{}", value);
}

}  // namespace

std::string number_text(double value) {
  return fmt::format("{}", value);
}

std::string text_of(const Node& node, const std::string& key) {
  if (node.kind != Node::Kind::Scalar || node.scalar.empty()) wrong(node, key, "a text");
  return node.scalar;
}

std::string line_of(const Node& node, const std::string& key) {
  const std::string line = text_of(node, key);
  if (line.size() > kMostLineBytes || worker::shown(line) != line) {
    wrong(node, key, fmt::format("one line of at most {} bytes without control characters", kMostLineBytes));
  }
  return line;
}

std::int64_t integer_of(const Node& node, const std::string& key, double least, double most) {
  refuse_quoted_number(node, key);
  std::int64_t value = 0;
  const std::string& text = node.scalar;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (node.kind != Node::Kind::Scalar || node.quoted || error != std::errc() || end != text.data() + text.size() ||
      static_cast<double>(value) < least || static_cast<double>(value) > most) {
    wrong(node, key,
          fmt::format("a whole number from {} to {}", static_cast<std::int64_t>(least),
                      most >= 9e18 ? std::string("2^63 - 1") : std::to_string(static_cast<std::int64_t>(most))));
  }
  return value;
}

double real_of(const Node& node, const std::string& key, double least, double most) {
  refuse_quoted_number(node, key);
  const auto value = node.kind == Node::Kind::Scalar && !node.quoted ? worker::parse_number(node.scalar) : std::nullopt;
  if (!value || *value < least || *value > most) {
    wrong(node, key, fmt::format("a number from {} to {}", limit(least), limit(most)));
  }
  return *value;
}

double margin_of(const Node& node) {
  return real_of(node, "margin", 0.01, 100);
}

bool boolean_of(const Node& node, const std::string& key) {
  if (node.kind == Node::Kind::Scalar && (node.scalar == "true" || node.scalar == "false"))
    return node.scalar == "true";
  wrong(node, key, "true or false");
}

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const std::string meant = meant_by(name, known);
  const std::string near = meant.empty() ? worker::nearest_name(name, known) : meant;
  if (!near.empty()) return "; did you mean " + worker::in_quotes(near) + "?";
  return "; known: " + worker::joined(known);
}

std::int64_t width_of(const Node& node) {
  if (node.kind == Node::Kind::Scalar && node.scalar == "auto") return 0;
  if (node.kind != Node::Kind::Scalar || !worker::parse_number(node.scalar))
    wrong(node, "width", "auto, or a number of ranks,");
  return integer_of(node, "width", 1, kMostWidth);
}

std::string width_text(std::int64_t width) {
  return width == 0 ? "auto" : std::to_string(width);
}

std::string choice_of(const Node& node, const std::string& key, const std::vector<std::string>& choices) {
  if (node.kind != Node::Kind::Scalar) wrong(node, key, "one of " + worker::joined(choices));
  if (std::ranges::find(choices, node.scalar) == choices.end()) {
    node.fail(fmt::format("{} is {}{}", key, shown(node), suggestion(node.scalar, choices)));
  }
  return node.scalar;
}

std::string name_of(const Node& node, const std::string& key) {
  const std::string name = text_of(node, key);
  const bool separators = name.find_first_of(",=/\\") != std::string::npos;
  const bool controls = std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (separators || controls || name.size() > kMostNameBytes || name.front() == ' ' || name.back() == ' ' ||
      name.front() == '.' || name.front() == '-') {
    wrong(node, key,
          fmt::format("a name of at most {} bytes without , = / \\ and not beginning with . or -", kMostNameBytes));
  }
  return name;
}

std::vector<const Node*> items_of(const Node& node, const std::string& key) {
  if (node.kind == Node::Kind::Empty || (node.kind == Node::Kind::List && node.items.empty())) {
    node.fail(key + " is empty; at least one is needed");
  }
  if (node.kind != Node::Kind::List) return {&node};
  std::vector<const Node*> items;
  for (const Node& item : node.items) {
    if (item.kind == Node::Kind::Empty) item.fail("an item of " + key + " is empty");
    items.push_back(&item);
  }
  return items;
}

void check_keys(const Node& map, const std::string& what, const std::vector<std::string>& known) {
  if (map.kind != Node::Kind::Map) wrong(map, what, "a map of keys and values");
  for (const Node::Entry& entry : map.entries) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    if (std::ranges::find(kReserved, entry.key) != kReserved.end()) {
      entry.key_node.fail(
          fmt::format("\"{}\" is reserved for a later version; this one does not know it yet", entry.key));
    }
    entry.key_node.fail(
        fmt::format("{} has no key {}{}", what, worker::in_quotes(entry.key), suggestion(entry.key, known)));
  }
}

}  // namespace peftgrid::orchestrator
