#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "orchestrator/grid/expand.hpp"
#include "orchestrator/grid/option_text.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using Lines = std::vector<Resolved>;

std::string origin_in(const std::map<std::string, std::string>& origins, const std::string& key) {
  const auto found = origins.find(key);
  return found == origins.end() ? "default" : found->second;
}

template <typename Values>
std::string list_text(const Values& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

std::string selection_text(const worker::SelectionSpec& s) {
  std::string text = s.from;
  if (s.from == "rows") text = fmt::format("{} rows", s.rows);
  if (s.from == "rows" && s.order == "train_first") text += " behind the sample";
  if (s.from == "none") return text;
  text += s.every_steps == 0 ? ", every epoch" : fmt::format(", every {} steps", s.every_steps);
  return text + fmt::format(", patience {}", s.patience);
}

void describe_scalars(const GridFile& file, Lines& lines) {
  const auto add = [&](const std::string& key, const std::string& value) {
    lines.push_back({key, value, origin_in(file.origins, key)});
  };
  add("run", file.run);
  if (!file.protocol.empty()) add("protocol", file.protocol);
  if (!file.data.empty()) add("data", file.data);
  std::vector<std::string> sizes;
  for (const std::int64_t size : file.train_sizes) sizes.push_back(size == 0 ? "all" : std::to_string(size));
  add("train_sizes", list_text(sizes));
  add("seeds", list_text(file.seeds));
  add("data_seed", file.data_seed ? std::to_string(*file.data_seed) : "same");
  add("precision", file.precision);
  add("width", width_text(file.width));
  add("keep", file.keep);
  if (file.logits) add("logits", "true");
  if (!file.compare.empty()) add("compare", list_text(file.compare));
  add("margin", number_text(file.margin));
  const std::string origin = file.protocol.empty() ? "default" : "protocol";
  const auto selection = [&](const std::string& key, const worker::SelectionSpec& s) {
    lines.push_back(
        {key, selection_text(s), file.origins.contains("selection") ? file.origins.at("selection") : origin});
  };
  selection("selection", file.selection);
  const bool all = std::ranges::find(file.train_sizes, 0) != file.train_sizes.end();
  if (all && file.selection_of_all != file.selection) selection("selection of all rows", file.selection_of_all);
}

void describe_backbones(const GridFile& file, const Facts& facts, Lines& lines) {
  for (const BackboneEntry& backbone : file.backbones) {
    const worker::BackboneFacts& known = facts.backbones.at(backbone.name);
    const std::string key = "backbones." + backbone.name;
    lines.push_back({key, backbone.path, backbone.node.origin});
    const bool given = !backbone.readout.empty();
    lines.push_back({key + ".readout", given ? backbone.readout : known.default_readout,
                     given ? backbone.readout_origin : known.readout_origin});
    const bool input = !backbone.input.empty();
    const std::string& usual = known.model.architecture->input;
    if (input || usual != worker::kInputPlain)
      lines.push_back({key + ".input", input ? backbone.input : usual, input ? backbone.input_origin : "default"});
    const bool side = !backbone.truncation_side.empty();
    lines.push_back({key + ".truncation_side", side ? backbone.truncation_side : known.truncation_side,
                     side ? backbone.truncation_origin : known.truncation_origin});
  }
}

/// By name, or by number where a file has no header.
std::string columns_text(const std::vector<worker::Column>& columns) {
  std::vector<std::string> texts;
  for (const worker::Column& column : columns)
    texts.push_back(column.index < 0 ? column.name : std::to_string(column.index));
  return list_text(texts);
}

void describe_task(const GridFile& file, const TaskEntry& task, const worker::TaskSpec& spec, Lines& lines) {
  const auto add = [&](const std::string& key, const std::string& value) {
    lines.push_back({"tasks." + spec.name + "." + key, value, origin_in(task.origins, key)});
  };
  lines.push_back({"tasks." + spec.name, spec.train, task.node.origin});
  for (const worker::TestFile& test : spec.tests) {
    add("test", test.path);
    if (spec.tests.size() > 1) lines.back().key += "." + test.name;
  }
  if (!spec.validation.empty()) add("validation", spec.validation);
  add("format", spec.format);
  if (!spec.delimiter.empty()) add("delimiter", worker::in_quotes(spec.delimiter));
  if (!spec.header) add("header", "false");
  add("kind", spec.kind);
  if (spec.text_template.empty()) {
    add("text", columns_text(spec.text));
    if (!spec.choices.empty()) add("choices", columns_text(spec.choices));
    add("label", columns_text({spec.label}));
  } else {
    add("template", worker::in_quotes(spec.text_template));
    const auto slots = worker::template_slots(spec.text_template);
    if (std::ranges::find(slots, worker::kAnswerSlot) != slots.end()) add("answer", columns_text({spec.label}));
    add("loss", spec.loss);
  }
  if (spec.symmetric) add("symmetric", "true");
  if (!spec.labels.empty()) add("labels", list_text(spec.labels));
  add("metrics", list_text(spec.metrics));
  if (task.margin) add("margin", number_text(*task.margin));
  if (worker::label_form(spec) != worker::KindInfo::Labels::Values) return;
  add("targets", spec.targets);
  const bool published = spec.targets == worker::find_protocol(file.protocol)->targets && !file.protocol.empty();
  if (published && !task.origins.contains("targets")) lines.back().origin = "protocol";
}

/// Options, and the training as it is for this method, the tasks' own left out.
void describe_methods(const GridFile& file, const Facts& facts, Lines& lines) {
  const worker::BackboneFacts& first = facts.backbones.at(file.backbones[0].name);
  for (const MethodEntry& method : file.methods) {
    const std::string key = "methods." + method.label;
    lines.push_back({key, method.spec.name, method.node.origin});
    for (const auto& [name, value] : method.spec.options) {
      lines.push_back({key + "." + name, option_text(value), origin_in(method.origins, name)});
    }
    if (method.width) lines.push_back({key + ".width", width_text(*method.width), origin_in(method.origins, "width")});
    std::set<std::string> rates;
    std::map<std::string, std::string> origins;
    for (const BackboneEntry& backbone : file.backbones) {
      for (const auto& [name, task] : facts.specs) {
        const auto training = training_of(file, task, {}, method, facts.backbones.at(backbone.name), origins);
        rates.insert(number_text(training.learning_rate));
      }
    }
    lines.push_back({key + ".learning_rate", list_text(rates), origin_in(origins, "learning_rate")});
    const worker::TrainingSpec training = training_of(file, facts.specs.begin()->second, {}, method, first, origins);
    for (const TrainingKey& name : training_keys()) {
      if (method.training.find(name.name) == nullptr || name.name == "learning_rate") continue;
      lines.push_back(
          {key + ".training." + name.name, training_text(training, name.name), origin_in(origins, name.name)});
    }
  }
}

void describe_training(const GridFile& file, Lines& lines) {
  std::map<std::string, std::string> origins;
  worker::TrainingSpec training = default_training(file, origins);
  file.training.lay_over(training, origins);
  for (const TrainingKey& key : training_keys()) {
    if (key.name == "learning_rate" && !origins.contains(key.name)) continue;
    if (key.name == (training.max_steps > 0 ? "epochs" : "max_steps")) continue;
    lines.push_back({"training." + key.name, training_text(training, key.name), origin_in(origins, key.name)});
  }
  for (const TaskEntry& task : file.tasks) {
    for (const TrainingKey& key : training_keys()) {
      const Node* node = task.training.find(key.name);
      if (node != nullptr)
        lines.push_back({fmt::format("tasks.{}.training.{}", task.spec.name, key.name), node->scalar, node->origin});
    }
  }
}

}  // namespace

std::vector<Resolved> describe(const GridFile& file, const Facts& facts) {
  Lines lines;
  describe_scalars(file, lines);
  describe_training(file, lines);
  describe_backbones(file, facts, lines);
  for (const TaskEntry& task : file.tasks) describe_task(file, task, facts.specs.at(task.spec.name), lines);
  describe_methods(file, facts, lines);
  return lines;
}

}  // namespace peftgrid::orchestrator
