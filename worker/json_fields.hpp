#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "worker/text.hpp"

/// Two readers of one table: `visit_fields(visitor, value)`, a function that names each field of a struct once, writes
/// it as JSON with a FieldWriter and reads it back with a FieldReader.
namespace peftgrid::worker {

/// What a visitor may do to the value: a writer looks, a reader fills in.
template <typename Visitor, typename Value>
using Visited = std::conditional_t<Visitor::kReads, Value, const Value>;

class FieldWriter {
 public:
  static constexpr bool kReads = false;

  /// Identity: only what can change a trial's numbers.
  enum class Part { Everything, Identity };
  explicit FieldWriter(Part part) : part_(part) {}

  template <typename Value>
  void field(const char* key, const Value& value) {
    object_[key] = value;
  }
  /// Changes no number.
  template <typename Value>
  void aside(const char* key, const Value& value) {
    if (part_ == Part::Everything) field(key, value);
  }
  void path(const char* key, const std::string& value) { aside(key, text_of_path(value)); }
  /// Came later, with a value that stands for what was done before: that one is not written, and ids stay.
  template <typename Value>
  void later(const char* key, const Value& value, const Value& before) {
    if (value != before) field(key, value);
  }
  template <typename Value>
  void later_aside(const char* key, const Value& value) {
    if (part_ == Part::Everything) later(key, value, Value());
  }
  template <typename Value>
  void object(const char* key, const Value& value) {
    object_[key] = written(value);
  }
  template <typename Value>
  void list(const char* key, const std::vector<Value>& values) {
    nlohmann::json all = nlohmann::json::array();
    for (const Value& value : values) all.push_back(written(value));
    object_[key] = std::move(all);
  }
  /// As list; an empty one stands for what was done before it could be said.
  template <typename Value>
  void later_list(const char* key, const std::vector<Value>& values) {
    if (!values.empty()) list(key, values);
  }
  /// As list; what stands beside `name` in an entry changes no number, and an identity holds the names alone.
  template <typename Value>
  void named_list(const char* key, const std::vector<Value>& values) {
    if (part_ == Part::Everything) return list(key, values);
    object_[key] = nlohmann::json::array();
    for (const Value& value : values) object_[key].push_back(value.name);
  }
  const nlohmann::json& written() const { return object_; }

 private:
  template <typename Value>
  nlohmann::json written(const Value& value) const {
    FieldWriter inner(part_);
    visit_fields(inner, value);
    return std::move(inner.object_);
  }

  Part part_;
  nlohmann::json object_ = nlohmann::json::object();
};

/// Throws std::runtime_error naming the key that is missing or of the wrong type.
class FieldReader {
 public:
  static constexpr bool kReads = true;

  FieldReader(const nlohmann::json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw std::runtime_error("trial spec: \"" + place_ + "\" is not an object");
  }

  template <typename Value>
  void field(const char* key, Value& into) const {
    const nlohmann::json& value = at(key);
    if constexpr (std::is_same_v<Value, std::int64_t> || std::is_same_v<Value, int>) {
      if (!value.is_number_integer()) wrong(key, "an integer");
    } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
      if (!value.is_number_unsigned()) wrong(key, "a non-negative integer");
    }
    try {
      value.get_to(into);
    } catch (const nlohmann::json::exception&) {
      wrong(key, "of the type it should be");
    }
  }
  template <typename Value>
  void aside(const char* key, Value& into) const {
    field(key, into);
  }
  void path(const char* key, std::string& into) const {
    field(key, into);
    into = path_of_text(into);
  }
  template <typename Value>
  void later(const char* key, Value& into, const Value&) const {
    if (object_.contains(key)) field(key, into);
  }
  template <typename Value>
  void later_aside(const char* key, Value& into) const {
    later(key, into, into);
  }
  template <typename Value>
  void object(const char* key, Value& into) const {
    FieldReader inner(at(key), name(key));
    visit_fields(inner, into);
  }
  template <typename Value>
  void list(const char* key, std::vector<Value>& into) const {
    const nlohmann::json& values = at(key);
    if (!values.is_array()) wrong(key, "a list");
    into.clear();
    for (const nlohmann::json& value : values) {
      FieldReader inner(value, name(key));
      visit_fields(inner, into.emplace_back());
    }
  }
  template <typename Value>
  void later_list(const char* key, std::vector<Value>& into) const {
    if (object_.contains(key)) list(key, into);
  }
  template <typename Value>
  void named_list(const char* key, std::vector<Value>& into) const {
    list(key, into);
  }
  const nlohmann::json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) throw std::runtime_error("trial spec: key \"" + name(key) + "\" is missing");
    return *found;
  }

 private:
  std::string name(const char* key) const { return place_.empty() ? key : place_ + "." + key; }
  [[noreturn]] void wrong(const char* key, const char* what) const {
    throw std::runtime_error("trial spec: key \"" + name(key) + "\" is not " + what);
  }

  const nlohmann::json& object_;
  std::string place_;
};

}  // namespace peftgrid::worker
