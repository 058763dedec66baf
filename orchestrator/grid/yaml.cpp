#include "orchestrator/grid/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostDepth = 20;
constexpr std::size_t kMostNodes = 20'000;

std::size_t size_of(const Node& node) {
  std::size_t size = 1;
  for (const Node& item : node.items) size += size_of(item);
  for (const Node::Entry& entry : node.entries) size += size_of(entry.value);
  return size;
}

/// Builds our tree out of yaml-cpp's events, which know the place of everything.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, std::string name, bool on_command_line)
      : text_(text), name_(std::move(name)), on_command_line_(on_command_line) {}

  Node take() { return std::move(root_); }
  bool anything() const { return began_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (began_) make(mark).fail("a second document begins here; a grid file is one");
    began_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { put(make(mark), anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) make(mark).fail("an alias of an anchor that is still open");
    count(mark, size_of(found->second));
    put(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(mark);
    node.kind = Node::Kind::Scalar;
    node.scalar = value;
    node.quoted = tag == "!";
    refuse_tag(node, tag);
    check_quotes(node, mark);
    // An unquoted null or ~ is how YAML writes "nothing".
    if (!node.quoted && (value == "~" || value == "null" || value.empty())) node.kind = Node::Kind::Empty;
    put(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::List);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::Map);
  }
  void OnMapEnd() override { close(); }

  Node make(const YAML::Mark& mark) const {
    Node node;
    node.on_command_line = on_command_line_;
    node.place = on_command_line_ ? name_ : fmt::format("{}:{}", name_, mark.line + 1);
    node.origin = on_command_line_ ? "--set" : fmt::format("line {}", mark.line + 1);
    return node;
  }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Node> key;  // of a map: read, its value still to come
  };

  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMostNodes) make(mark).fail(fmt::format("more than {} values, aliases counted", kMostNodes));
  }

  static void refuse_tag(const Node& node, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      node.fail("tags (" + worker::in_quotes(tag) + ") have no meaning in a grid file");
  }

  /// yaml-cpp takes a quote that is never closed for one that ends with the file.
  void check_quotes(const Node& node, const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) >= text_.size()) return;
    const char quote = text_[static_cast<std::size_t>(mark.pos)];
    if (!node.quoted || (quote != '"' && quote != '\'')) return;
    for (std::size_t at = static_cast<std::size_t>(mark.pos) + 1; at < text_.size() && text_[at] != '\n'; ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote == '\'' && at + 1 < text_.size() && text_[at + 1] == '\'') {
          ++at;
        } else {
          return;
        }
      }
    }
    node.fail("a quote opens here and is not closed on its line");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    Node node = make(mark);
    node.kind = kind;
    refuse_tag(node, tag);
    if (open_.size() >= kMostDepth) node.fail(fmt::format("nested more than {} deep", kMostDepth));
    open_.push_back({std::move(node), anchor, {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    put(std::move(done.node), done.anchor);
  }

  void put(Node node, YAML::anchor_t anchor) {
    count(YAML::Mark(), 1);
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::List) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node.kind != Node::Kind::Scalar) node.fail("a key must be a plain word");
      if (parent.node.find(node.scalar) != nullptr) {
        node.fail(fmt::format("key {} is here twice; the first is on {}", worker::in_quotes(node.scalar),
                              parent.node.find(node.scalar)->origin));
      }
      parent.key = std::move(node);
    } else {
      // Copied first: two arguments of one call may be evaluated in any order.
      std::string key = parent.key->scalar;
      parent.node.entries.push_back({std::move(key), std::move(*parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  std::string_view text_;
  std::string name_;
  bool on_command_line_;
  bool began_ = false;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
};

/// The line of a quote that opens a value and has no end on its line; yaml-cpp would blame the end of the file.
std::optional<int> line_of_open_quote(std::string_view text) {
  int line = 1;
  char before = '\n';  // the last character that was no blank
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (c == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n')) {
      at = std::min(text.find('\n', at), text.size()) - 1;
      continue;
    }
    if ((c == '"' || c == '\'') && std::string_view("\n:-,[{").find(before) != std::string_view::npos) {
      std::size_t end = at + 1;
      while (end < text.size() && text[end] != '\n' && text[end] != c) end += c == '"' && text[end] == '\\' ? 2 : 1;
      if (end >= text.size() || text[end] == '\n') return line;
      at = end;
      before = c;
      continue;
    }
    if (c != ' ' && c != '\r' && c != '\t') before = c;
  }
  return std::nullopt;
}

/// yaml-cpp's words for the common mistakes, in ours.
std::string in_plain_words(const std::string& message) {
  if (message == "end of sequence flow not found") return "a list that opens with [ has no ] up to here";
  if (message == "end of map flow not found") return "a map that opens with { has no } up to here";
  if (message == "end of map not found" || message == "end of sequence not found") {
    return "this does not fit what stands above it; look at the indentation";
  }
  if (message == "illegal map value") return "a colon where no key can be; a text that holds one needs quotes";
  return "is not YAML: " + message;
}

Node parse(std::string_view text, const std::string& name, bool on_command_line) {
  const std::string first = on_command_line ? name : name + ":1";
  if (text.size() > kMostBytes) throw worker::UsageError(fmt::format("{}: longer than {} bytes", first, kMostBytes));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto bad = worker::first_invalid_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(*bad), '\n');
    throw worker::UsageError(
        fmt::format("{}: is not UTF-8 text", on_command_line ? name : fmt::format("{}:{}", name, line)));
  }
  Builder builder(text, name, on_command_line);
  std::istringstream in{std::string(text)};
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    if (const auto line = line_of_open_quote(text)) {
      YAML::Mark mark;
      mark.line = *line - 1;
      builder.make(mark).fail("a quote opens here and is not closed on its line");
    }
    builder.make(error.mark).fail(in_plain_words(error.msg));
  }
  Node root = builder.take();
  if (root.place.empty()) root.place = first;
  return root;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

void Node::fail(const std::string& what) const {
  throw worker::UsageError(place + ": " + what);
}

Node parse_yaml(std::string_view text, const std::string& name) {
  return parse(text, name, false);
}

Node parse_command_line_value(std::string_view text, const std::string& argument) {
  return parse(text, argument, true);
}

}  // namespace peftgrid::orchestrator
