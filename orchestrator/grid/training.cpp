#include "orchestrator/grid/training.hpp"

#include <algorithm>
#include <variant>

#include "orchestrator/grid/values.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::TrainingSpec;
using Field = std::variant<std::int64_t TrainingSpec::*, double TrainingSpec::*, std::string TrainingSpec::*>;

struct Entry {
  const char* name;
  Field field;
  double least, most;
  const char* meaning;
};

const Entry kKeys[] = {
    {"learning_rate", &TrainingSpec::learning_rate, 1e-9, 10,
     "peak of the schedule; default by method and size of backbone"},
    {"epochs", &TrainingSpec::epochs, 1, 100'000, "passes over the training rows"},
    {"max_steps", &TrainingSpec::max_steps, 1, 1e9, "steps, instead of epochs"},
    {"batch_size", &TrainingSpec::batch_size, 1, 65'536, "rows of a micro-batch"},
    {"accumulate", &TrainingSpec::accumulate, 1, 65'536, "micro-batches of a step"},
    {"max_length", &TrainingSpec::max_length, 4, 1'000'000, "tokens a row may have, special ones counted, prompts not"},
    {"schedule", &TrainingSpec::schedule, 0, 0, "linear, cosine or constant, after the warm-up"},
    {"warmup", &TrainingSpec::warmup, 0, 1e9, "below 1 a share of the steps, else steps"},
    {"weight_decay", &TrainingSpec::weight_decay, 0, 100, "AdamW's; not on biases and norms"},
    {"clip", &TrainingSpec::clip, 0, 1e9, "largest norm of the gradient; 0 turns it off"},
    {"beta1", &TrainingSpec::beta1, 0, 0.99999, "AdamW's"},
    {"beta2", &TrainingSpec::beta2, 0, 0.9999999, "AdamW's"},
    {"epsilon", &TrainingSpec::epsilon, 1e-30, 1, "AdamW's"},
    {"dropout", &TrainingSpec::dropout, 0, 0.9, "model (the base's own rates) or one rate"},
    {"auxiliary_lm", &TrainingSpec::auxiliary_lm, 0, 100,
     "a decoder's language-model loss on the rows' own tokens, times this, joins the task's"},
};

const Entry& entry_of(const std::string& name) {
  return *std::ranges::find_if(kKeys, [&](const Entry& entry) { return name == entry.name; });
}

void read_value(const Node& node, const Entry& entry, TrainingSpec& spec) {
  const std::string name = entry.name;
  if (name == "dropout" && node.scalar == "model") {
    spec.dropout = TrainingSpec().dropout;
  } else if (const auto* integer = std::get_if<std::int64_t TrainingSpec::*>(&entry.field)) {
    spec.*(*integer) = integer_of(node, name, entry.least, entry.most);
  } else if (const auto* real = std::get_if<double TrainingSpec::*>(&entry.field)) {
    spec.*(*real) = real_of(node, name, entry.least, entry.most);
  } else {
    spec.schedule = choice_of(node, name, {"linear", "cosine", "constant"});
  }
  if (name == "warmup" && spec.warmup >= 1 &&
      spec.warmup != static_cast<double>(static_cast<std::int64_t>(spec.warmup))) {
    node.fail("warmup is " + number_text(spec.warmup) + "; a share below 1 or a whole number of steps would be right");
  }
  // One of the two counts; the other is cleared, so that equal work has an equal trial id.
  if (name == "max_steps") spec.epochs = 0;
  if (name == "epochs") spec.max_steps = 0;
}

}  // namespace

const std::vector<TrainingKey>& training_keys() {
  static const std::vector<TrainingKey> keys = [] {
    std::vector<TrainingKey> all;
    for (const Entry& entry : kKeys) all.push_back({entry.name, entry.meaning});
    return all;
  }();
  return keys;
}

TrainingLayer::TrainingLayer(const Node& map) : entries_(map.entries) {
  std::vector<std::string> known;
  for (const TrainingKey& key : training_keys()) known.push_back(key.name);
  check_keys(map, "training", known);
  TrainingSpec scratch;
  for (const Node::Entry& entry : entries_) read_value(entry.value, entry_of(entry.key), scratch);
  const Node* steps = map.find("max_steps");
  if (steps != nullptr && map.find("epochs") != nullptr)
    steps->fail("epochs and max_steps are both given; one of them decides");
}

void TrainingLayer::lay_over(TrainingSpec& spec, std::map<std::string, std::string>& origins) const {
  for (const Node::Entry& entry : entries_) {
    read_value(entry.value, entry_of(entry.key), spec);
    origins[entry.key] = entry.value.origin;
    if (entry.key == "max_steps") origins.erase("epochs");
    if (entry.key == "epochs") origins.erase("max_steps");
  }
}

const Node* TrainingLayer::find(const std::string& key) const {
  const auto found = std::ranges::find(entries_, key, &Node::Entry::key);
  return found == entries_.end() ? nullptr : &found->value;
}

std::string TrainingLayer::written(const std::string& key) const {
  const Node* node = find(key);
  return node == nullptr ? "" : node->scalar;
}

std::string training_text(const TrainingSpec& spec, const std::string& key) {
  if (key == "dropout" && spec.dropout < 0) return "model";
  const Entry& entry = entry_of(key);
  if (const auto* integer = std::get_if<std::int64_t TrainingSpec::*>(&entry.field))
    return std::to_string(spec.*(*integer));
  if (const auto* real = std::get_if<double TrainingSpec::*>(&entry.field)) return number_text(spec.*(*real));
  return spec.schedule;
}

}  // namespace peftgrid::orchestrator
