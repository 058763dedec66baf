#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peftgrid::orchestrator {

/// A value of a grid file, with the place it came from.
struct Node {
  enum class Kind { Empty, Scalar, List, Map };
  struct Entry;

  Kind kind = Kind::Empty;
  std::string place;   // "grid.yaml:12" or "--set seeds=1": what error messages begin with
  std::string origin;  // "line 12" or "--set": what `plan` shows
  bool on_command_line = false;
  std::string scalar;
  bool quoted = false;         // "12" is a text, 12 a number
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the file's order

  /// The value under a key of a map; null when there is none.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  /// Throws worker::UsageError: place, then what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
};

struct Node::Entry {
  std::string key;
  Node key_node;  // for the place
  Node value;
};

/// Parses one YAML document. What yaml-cpp lets pass silently is refused: duplicate keys, quotes that do not end on
/// their line, a second document, text after the end. Throws worker::UsageError naming `name` and line.
Node parse_yaml(std::string_view text, const std::string& name);

/// Parses the value of `--set key=value`; every node's place is `argument`.
Node parse_command_line_value(std::string_view text, const std::string& argument);

}  // namespace peftgrid::orchestrator
