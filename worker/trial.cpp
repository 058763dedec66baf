#include "worker/trial.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/catalogue.hpp"
#include "worker/json_fields.hpp"

namespace peftgrid::worker {

using nlohmann::json;  // its objects keep their keys sorted: one spec, one text

namespace {

constexpr std::size_t kIdDigits = 16;

OptionValue option_value(const json& value, const std::string& key) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return value.get<std::vector<std::string>>();
  throw std::runtime_error("trial spec: option \"" + key + "\" is neither a number, a text nor a list of texts");
}

/// The options of a method that it did not have at first, with their defaults.
std::map<std::string, OptionValue> later_options(const std::string& method) {
  std::map<std::string, OptionValue> later;
  const MethodInfo* info = find_method(method);
  if (info == nullptr) return later;
  for (const OptionInfo& option : info->options) {
    if (option.later) later[option.name] = option.fallback;
  }
  return later;
}

}  // namespace

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, BackboneSpec>& backbone) {
  v.aside("name", backbone.name);
  v.path("path", backbone.path);
  v.field("architecture", backbone.architecture);
  v.field("readout", backbone.readout);
  v.field("weights_sha256", backbone.weights_sha256);
  v.field("tokenizer_sha256", backbone.tokenizer_sha256);
  v.later("truncation_side", backbone.truncation_side, std::string("right"));
  v.later("input", backbone.input, std::string(kInputPlain));
  v.later_aside("vocabulary", backbone.vocabulary);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, Column>& column) {
  v.field("name", column.name);
  v.field("index", column.index);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, TestFile>& file) {
  v.field("name", file.name);
  v.path("path", file.path);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, TaskSpec>& task) {
  v.field("name", task.name);
  v.field("kind", task.kind);
  v.field("format", task.format);
  v.later("delimiter", task.delimiter, std::string());
  v.field("header", task.header);
  v.path("train", task.train);
  v.path("validation", task.validation);
  v.named_list("tests", task.tests);
  v.list("text", task.text);
  v.later_list("choices", task.choices);
  v.object("label", task.label);
  v.later("template", task.text_template, std::string());
  v.later("loss", task.loss, TaskSpec().loss);
  v.later("symmetric", task.symmetric, false);
  v.field("labels", task.labels);
  v.field("metrics", task.metrics);
  v.later("targets", task.targets, std::string("raw"));
  v.field("test_is_dev", task.test_is_dev);
  v.field("data_sha256", task.data_sha256);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, TrainingSpec>& training) {
  v.field("learning_rate", training.learning_rate);
  v.field("epochs", training.epochs);
  v.field("max_steps", training.max_steps);
  v.field("batch_size", training.batch_size);
  v.field("accumulate", training.accumulate);
  v.field("max_length", training.max_length);
  v.field("schedule", training.schedule);
  v.field("warmup", training.warmup);
  v.field("weight_decay", training.weight_decay);
  v.field("clip", training.clip);
  v.field("beta1", training.beta1);
  v.field("beta2", training.beta2);
  v.field("epsilon", training.epsilon);
  v.field("dropout", training.dropout);
  v.later("auxiliary_lm", training.auxiliary_lm, 0.0);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, SelectionSpec>& selection) {
  v.field("from", selection.from);
  v.later("order", selection.order, SelectionSpec().order);
  v.field("rows", selection.rows);
  v.field("every_steps", selection.every_steps);
  v.field("patience", selection.patience);
}

static void visit_fields(FieldWriter& writer, const MethodSpec& method) {
  json options = json::object();
  const auto later = later_options(method.name);
  for (const auto& [key, value] : method.options) {
    const auto fallback = later.find(key);
    if (fallback != later.end() && fallback->second == value) continue;
    options[key] = std::visit([](const auto& held) { return json(held); }, value);
  }
  writer.field("name", method.name);
  writer.field("options", options);
}

static void visit_fields(FieldReader& reader, MethodSpec& method) {
  reader.field("name", method.name);
  const json& options = reader.at("options");
  if (!options.is_object()) throw std::runtime_error("trial spec: key \"method.options\" is not an object");
  method.options = later_options(method.name);
  for (const auto& [key, value] : options.items()) method.options[key] = option_value(value, key);
}

template <typename Visitor>
void visit_fields(Visitor& v, Visited<Visitor, TrialSpec>& spec) {
  v.aside("id", spec.id);
  v.aside("cell", spec.cell);
  v.aside("label", spec.label);
  v.object("backbone", spec.backbone);
  v.object("task", spec.task);
  v.object("method", spec.method);
  v.field("train_size", spec.train_size);
  v.aside("seed", spec.seed);
  v.aside("data_seed", spec.data_seed);
  v.object("training", spec.training);
  v.object("selection", spec.selection);
  v.field("precision", spec.precision);
  v.aside("keep", spec.keep);
  v.later_aside("logits", spec.logits);
  v.later_aside("protocol", spec.protocol);
  v.field("width", spec.width);
  v.field("device", spec.device);
  v.field("threads", spec.threads);
}

namespace {

/// Everything of the cell that can change numbers.
json identity_json(const TrialSpec& spec) {
  FieldWriter writer(FieldWriter::Part::Identity);
  visit_fields(writer, spec);
  json identity = writer.written();
  identity["numerics"] = kNumericsVersion;
  return identity;
}

std::string short_hash(const json& identity) {
  return checkpoint::sha256(identity.dump()).substr(0, kIdDigits);
}

}  // namespace

std::string to_json(const TrialSpec& spec) {
  FieldWriter writer(FieldWriter::Part::Everything);
  visit_fields(writer, spec);
  return writer.written().dump();
}

TrialSpec trial_from_json(std::string_view text) {
  const json parsed = checkpoint::parse_shallow(text);
  if (parsed.is_discarded()) throw std::runtime_error("trial spec: not JSON");
  FieldReader reader(parsed, "");
  TrialSpec spec;
  visit_fields(reader, spec);
  return spec;
}

std::string cell_id(const TrialSpec& spec) {
  return short_hash(identity_json(spec));
}

std::string trial_id(const TrialSpec& spec) {
  json identity = identity_json(spec);
  identity["seed"] = spec.seed;
  identity["data_seed"] = spec.data_seed;
  return short_hash(identity);
}

}  // namespace peftgrid::worker
