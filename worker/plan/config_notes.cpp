#include "worker/plan/config_notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "worker/catalogue.hpp"
#include "worker/plan/side_file.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

constexpr double kInitialDeviation = 0.02;  // of what is new in every trial: transformers' default, too

/// "LABEL_0" names nothing.
bool names_a_class(const std::string& label) {
  return !label.starts_with("LABEL_");
}

std::vector<std::string> in_order(const std::map<std::int64_t, std::string>& by_id) {
  std::vector<std::string> labels;
  for (const auto& [id, label] : by_id) labels.push_back(label);
  return std::ranges::all_of(labels, names_a_class) ? labels : std::vector<std::string>{};
}

std::vector<std::string> labels_by_id(const json& config) {
  std::map<std::int64_t, std::string> by_id;
  const auto map = config.find("id2label");
  if (map == config.end() || !map->is_object()) return {};
  for (const auto& [id, label] : map->items()) {
    if (const auto number = parse_number(id); number && label.is_string()) {
      by_id[static_cast<std::int64_t>(*number)] = label.get<std::string>();
    }
  }
  return in_order(by_id);
}

std::vector<std::string> labels_by_name(const json& config) {
  std::map<std::int64_t, std::string> by_id;
  const auto map = config.find("label2id");
  if (map == config.end() || !map->is_object()) return {};
  for (const auto& [label, id] : map->items()) {
    if (id.is_number_integer()) by_id[id.get<std::int64_t>()] = label;
  }
  return in_order(by_id);
}

void note(const json& config, const char* key, bool matters, const char* what, std::vector<std::string>& notes) {
  if (matters) notes.push_back(fmt::format("config.json: {}; {}", key_text(key, config[key]), what));
}

bool is_set(const json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && !found->is_null();
}

/// "Not_Entailment" and "not entailment" name one class.
std::vector<std::string> all_folded(const std::vector<std::string>& labels) {
  std::vector<std::string> all;
  for (const std::string& label : labels) all.push_back(folded(label));
  return all;
}

}  // namespace

std::optional<std::string> unlike_label_order(const BackboneFacts& backbone, const TaskSpec& task) {
  const std::vector<std::string> own = all_folded(backbone.head_labels), asked = all_folded(task.labels);
  if (own.empty() || own == asked || !std::ranges::is_permutation(own, asked)) return std::nullopt;
  return fmt::format(
      "config.json: \"id2label\" orders the classes {}, and the task {} orders them {}; the head is new, and "
      "its outputs are in the task's order",
      joined(backbone.head_labels), task.name, joined(task.labels));
}

ConfigNotes config_notes(const std::filesystem::path& folder) {
  ConfigNotes found;
  const auto config = read_side_object(folder / "config.json");
  if (!config) return found;
  for (const char* key : {"torch_dtype", "dtype"}) {
    note(*config, key, is_set(*config, key) && (*config)[key] != "float32",
         "what is computed here is of the type that the grid's `precision` says", found.notes);
  }
  const bool spread = is_set(*config, "initializer_range") && (*config)["initializer_range"] != kInitialDeviation;
  note(*config, "initializer_range", spread, "the new head starts from a deviation of 0.02", found.notes);
  note(*config, "problem_type",
       is_set(*config, "problem_type") && (*config)["problem_type"] != "single_label_classification",
       "the loss is that of the task's `kind`", found.notes);
  note(*config, "auto_map", is_set(*config, "auto_map"), "the folder's own code is not run", found.notes);
  found.labels = labels_by_id(*config);
  const std::vector<std::string> other = labels_by_name(*config);
  if (!found.labels.empty() && !other.empty() && found.labels != other) {
    found.notes.emplace_back("config.json: \"id2label\" and \"label2id\" contradict each other; neither is used here");
  }
  if (found.labels.empty()) found.labels = other;
  return found;
}

}  // namespace peftgrid::worker
