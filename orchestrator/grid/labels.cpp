#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "orchestrator/grid/grid_file.hpp"
#include "orchestrator/grid/option_text.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using Texts = std::map<std::string, std::string>;

/// All that two methods of one name may differ in, as text.
Texts features(const MethodEntry& entry) {
  Texts texts;
  for (const auto& [name, value] : entry.spec.options) texts[name] = option_text(value);
  if (entry.width) texts["width"] = width_text(*entry.width);
  const std::string rate = entry.training.written("learning_rate");
  texts["learning_rate"] = entry.learning_rate ? number_text(*entry.learning_rate) : rate;
  for (const TrainingKey& key : training_keys()) {
    if (key.name != "learning_rate") texts["training." + key.name] = entry.training.written(key.name);
  }
  for (auto& [name, text] : texts) {
    if (text.empty()) text = "default";
  }
  return texts;
}

/// Adds what differs to the labels of methods that share a name.
void tell_apart(std::vector<MethodEntry*>& group) {
  std::vector<Texts> all;
  for (const MethodEntry* entry : group) all.push_back(features(*entry));
  std::set<std::string> keys;
  for (const Texts& texts : all) {
    for (const auto& [key, text] : texts) keys.insert(key);
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (std::ranges::any_of(group, [&](const MethodEntry* entry) { return entry->spec.name != group[0]->spec.name; })) {
      group[i]->label += " " + group[i]->spec.name;
    }
  }
  for (const std::string& key : keys) {
    const auto text = [&](std::size_t i) { return all[i].contains(key) ? all[i].at(key) : std::string(); };
    bool differs = false;
    for (std::size_t i = 1; i < all.size(); ++i) differs = differs || text(i) != text(0);
    for (std::size_t i = 0; differs && i < all.size(); ++i) {
      const std::string name = key.starts_with("training.") ? key.substr(9) : key;
      if (!text(i).empty()) group[i]->label += fmt::format(" {}={}", name, text(i));
    }
  }
}

}  // namespace

void label_methods(std::vector<MethodEntry>& methods) {
  std::map<std::string, std::vector<MethodEntry*>> groups;
  for (MethodEntry& entry : methods) {
    entry.label = entry.name;
    groups[entry.name].push_back(&entry);
  }
  for (auto& [name, group] : groups) {
    if (group.size() > 1) tell_apart(group);
  }
  std::map<std::string, const MethodEntry*> seen;
  for (const MethodEntry& entry : methods) {
    const auto [before, fresh] = seen.emplace(entry.label, &entry);
    if (fresh) continue;
    entry.node.fail(
        fmt::format("this method and the one on {} have the same label {} and no option that differs; "
                    "change an option, or give one a `name`",
                    before->second->node.origin, worker::in_quotes(entry.label)));
  }
}

std::vector<std::string> read_compare(const Node& node, const std::vector<MethodEntry>& methods) {
  std::vector<std::string> compared, known;
  for (const MethodEntry& entry : methods) known.push_back(entry.label);
  for (const Node* item : items_of(node, "compare")) {
    const std::string name = line_of(*item, "a method to compare");
    const std::size_t before = compared.size();
    for (const MethodEntry& entry : methods) {
      const bool label = std::ranges::find(known, name) != known.end();
      if (label ? entry.label == name : entry.spec.name == name) compared.push_back(entry.label);
    }
    if (compared.size() == before) {
      item->fail(fmt::format("compare names {}, which is no method of this grid{}", worker::in_quotes(name),
                             suggestion(name, known)));
    }
  }
  if (std::set<std::string>(compared.begin(), compared.end()).size() < compared.size())
    node.fail("compare names a method twice; once each, the baseline first, would be right");
  if (compared.size() < 2) node.fail("compare names one method; two or more, the baseline first, would be right");
  return compared;
}

}  // namespace peftgrid::orchestrator
