#include "worker/trial.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;  // its objects keep their keys sorted: one spec, one text

constexpr std::size_t kIdDigits = 16;

json option_json(const OptionValue& value) {
  return std::visit([](const auto& held) { return json(held); }, value);
}

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

json method_json(const MethodSpec& method) {
  json options = json::object();
  const auto later = later_options(method.name);
  for (const auto& [key, value] : method.options) {
    const auto fallback = later.find(key);
    if (fallback == later.end() || fallback->second != value) options[key] = option_json(value);
  }
  return {{"name", method.name}, {"options", options}};
}

json column_json(const Column& column) {
  return {{"name", column.name}, {"index", column.index}};
}

/// What of the task can change numbers; paths are left to `task_json`.
json task_identity(const TaskSpec& task) {
  json text = json::array(), tests = json::array();
  for (const Column& column : task.text) text.push_back(column_json(column));
  for (const TestFile& test : task.tests) tests.push_back(test.name);
  json identity{{"name", task.name},
                {"kind", task.kind},
                {"format", task.format},
                {"header", task.header},
                {"text", text},
                {"label", column_json(task.label)},
                {"labels", task.labels},
                {"metrics", task.metrics},
                {"tests", tests},
                {"test_is_dev", task.test_is_dev},
                {"data_sha256", task.data_sha256}};
  // Raw targets are what there was before there was a choice: such trials keep their ids.
  if (task.targets != "raw") identity["targets"] = task.targets;
  if (!task.delimiter.empty()) identity["delimiter"] = task.delimiter;
  return identity;
}

json task_json(const TaskSpec& task) {
  json all = task_identity(task);
  all["train"] = text_of_path(task.train);
  all["validation"] = text_of_path(task.validation);
  json tests = json::array();
  for (const TestFile& test : task.tests) tests.push_back({{"name", test.name}, {"path", text_of_path(test.path)}});
  all["tests"] = tests;
  return all;
}

json training_json(const TrainingSpec& t) {
  return {{"learning_rate", t.learning_rate},
          {"epochs", t.epochs},
          {"max_steps", t.max_steps},
          {"batch_size", t.batch_size},
          {"accumulate", t.accumulate},
          {"max_length", t.max_length},
          {"schedule", t.schedule},
          {"warmup", t.warmup},
          {"weight_decay", t.weight_decay},
          {"clip", t.clip},
          {"beta1", t.beta1},
          {"beta2", t.beta2},
          {"epsilon", t.epsilon},
          {"dropout", t.dropout}};
}

json selection_json(const SelectionSpec& s) {
  json all{{"from", s.from}, {"rows", s.rows}, {"every_steps", s.every_steps}, {"patience", s.patience}};
  if (s.order != SelectionSpec().order) all["order"] = s.order;
  return all;
}

json backbone_identity(const BackboneSpec& backbone) {
  json identity{{"architecture", backbone.architecture},
                {"readout", backbone.readout},
                {"weights_sha256", backbone.weights_sha256},
                {"tokenizer_sha256", backbone.tokenizer_sha256}};
  // Rows were once cut on the right whatever their tokenizer said: such trials keep their ids.
  if (backbone.truncation_side != "right") identity["truncation_side"] = backbone.truncation_side;
  return identity;
}

/// Everything of the cell that can change numbers.
json identity_json(const TrialSpec& spec) {
  return {{"numerics", kNumericsVersion},
          {"backbone", backbone_identity(spec.backbone)},
          {"task", task_identity(spec.task)},
          {"method", method_json(spec.method)},
          {"train_size", spec.train_size},
          {"training", training_json(spec.training)},
          {"selection", selection_json(spec.selection)},
          {"precision", spec.precision},
          {"width", spec.width},
          {"device", spec.device},
          {"threads", spec.threads}};
}

std::string short_hash(const json& identity) {
  return checkpoint::sha256(identity.dump()).substr(0, kIdDigits);
}

/// Reads keys of one object; says which is missing or of the wrong type.
class Fields {
 public:
  Fields(const json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw std::runtime_error("trial spec: \"" + place_ + "\" is not an object");
  }

  bool has(const char* key) const { return object_.contains(key); }

  const json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) throw std::runtime_error("trial spec: key \"" + name(key) + "\" is missing");
    return *found;
  }

  template <typename Value>
  void read(const char* key, Value& into) const {
    const json& value = at(key);
    if constexpr (std::is_same_v<Value, std::int64_t> || std::is_same_v<Value, int>) {
      if (!value.is_number_integer()) wrong(key, "an integer");
    } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
      if (!value.is_number_unsigned()) wrong(key, "a non-negative integer");
    }
    try {
      value.get_to(into);
    } catch (const json::exception&) {
      wrong(key, "of the type it should be");
    }
  }

  void read_path(const char* key, std::string& into) const {
    read(key, into);
    into = path_of_text(into);
  }

  Fields object(const char* key) const { return Fields(at(key), name(key)); }

  const json& list(const char* key) const {
    const json& value = at(key);
    if (!value.is_array()) wrong(key, "a list");
    return value;
  }

 private:
  std::string name(const char* key) const { return place_.empty() ? key : place_ + "." + key; }
  [[noreturn]] void wrong(const char* key, const char* what) const {
    throw std::runtime_error("trial spec: key \"" + name(key) + "\" is not " + what);
  }

  const json& object_;
  std::string place_;
};

Column read_column(const json& value, const char* place) {
  Column column;
  const Fields fields(value, place);
  fields.read("name", column.name);
  fields.read("index", column.index);
  return column;
}

BackboneSpec read_backbone(const Fields& fields) {
  BackboneSpec backbone;
  fields.read("name", backbone.name);
  fields.read_path("path", backbone.path);
  fields.read("architecture", backbone.architecture);
  fields.read("readout", backbone.readout);
  fields.read("weights_sha256", backbone.weights_sha256);
  fields.read("tokenizer_sha256", backbone.tokenizer_sha256);
  if (fields.has("truncation_side")) fields.read("truncation_side", backbone.truncation_side);
  return backbone;
}

TaskSpec read_task(const Fields& fields) {
  TaskSpec task;
  fields.read("name", task.name);
  fields.read("kind", task.kind);
  fields.read("format", task.format);
  fields.read("header", task.header);
  if (fields.has("delimiter")) fields.read("delimiter", task.delimiter);
  fields.read_path("train", task.train);
  fields.read_path("validation", task.validation);
  for (const json& test : fields.list("tests")) {
    const Fields entry(test, "task.tests");
    TestFile& file = task.tests.emplace_back();
    entry.read("name", file.name);
    entry.read_path("path", file.path);
  }
  for (const json& column : fields.list("text")) task.text.push_back(read_column(column, "task.text"));
  task.label = read_column(fields.at("label"), "task.label");
  fields.read("labels", task.labels);
  fields.read("metrics", task.metrics);
  if (fields.has("targets")) fields.read("targets", task.targets);
  fields.read("test_is_dev", task.test_is_dev);
  fields.read("data_sha256", task.data_sha256);
  return task;
}

TrainingSpec read_training(const Fields& fields) {
  TrainingSpec t;
  fields.read("learning_rate", t.learning_rate);
  fields.read("epochs", t.epochs);
  fields.read("max_steps", t.max_steps);
  fields.read("batch_size", t.batch_size);
  fields.read("accumulate", t.accumulate);
  fields.read("max_length", t.max_length);
  fields.read("schedule", t.schedule);
  fields.read("warmup", t.warmup);
  fields.read("weight_decay", t.weight_decay);
  fields.read("clip", t.clip);
  fields.read("beta1", t.beta1);
  fields.read("beta2", t.beta2);
  fields.read("epsilon", t.epsilon);
  fields.read("dropout", t.dropout);
  return t;
}

SelectionSpec read_selection(const Fields& fields) {
  SelectionSpec s;
  fields.read("from", s.from);
  fields.read("rows", s.rows);
  fields.read("every_steps", s.every_steps);
  fields.read("patience", s.patience);
  if (fields.has("order")) fields.read("order", s.order);
  return s;
}

MethodSpec read_method(const Fields& fields) {
  MethodSpec method;
  fields.read("name", method.name);
  const json& options = fields.at("options");
  if (!options.is_object()) throw std::runtime_error("trial spec: key \"method.options\" is not an object");
  method.options = later_options(method.name);
  for (const auto& [key, value] : options.items()) method.options[key] = option_value(value, key);
  return method;
}

}  // namespace

std::string to_json(const TrialSpec& spec) {
  json all = identity_json(spec);
  all.erase("numerics");
  all["id"] = spec.id;
  all["cell"] = spec.cell;
  all["label"] = spec.label;
  all["backbone"]["name"] = spec.backbone.name;
  all["backbone"]["path"] = text_of_path(spec.backbone.path);
  all["task"] = task_json(spec.task);
  all["seed"] = spec.seed;
  all["data_seed"] = spec.data_seed;
  all["keep"] = spec.keep;
  if (!spec.protocol.empty()) all["protocol"] = spec.protocol;
  return all.dump();
}

TrialSpec trial_from_json(std::string_view text) {
  const json parsed = checkpoint::parse_shallow(text);
  if (parsed.is_discarded()) throw std::runtime_error("trial spec: not JSON");
  const Fields fields(parsed, "");
  TrialSpec spec;
  fields.read("id", spec.id);
  fields.read("cell", spec.cell);
  fields.read("label", spec.label);
  spec.backbone = read_backbone(fields.object("backbone"));
  spec.task = read_task(fields.object("task"));
  spec.method = read_method(fields.object("method"));
  fields.read("train_size", spec.train_size);
  fields.read("seed", spec.seed);
  fields.read("data_seed", spec.data_seed);
  spec.training = read_training(fields.object("training"));
  spec.selection = read_selection(fields.object("selection"));
  fields.read("precision", spec.precision);
  fields.read("keep", spec.keep);
  if (fields.has("protocol")) fields.read("protocol", spec.protocol);
  fields.read("width", spec.width);
  fields.read("device", spec.device);
  fields.read("threads", spec.threads);
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
