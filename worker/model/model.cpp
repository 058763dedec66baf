#include "worker/model/model.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <bit>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/service/allocator.hpp"
#include "worker/service/device.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::size_t kKeptOpen = 4;

/// The entry of `key`, made by `make` where there is none; the least recently used one goes.
template <typename T, typename Make>
std::shared_ptr<const T> recall(std::vector<std::pair<std::string, std::shared_ptr<const T>>>& recent,
                                const std::string& key, Make make) {
  const auto found = std::find_if(recent.begin(), recent.end(), [&](const auto& entry) { return entry.first == key; });
  const auto opened = [&] {
    const Frugal frugal;
    return std::pair{key, make()};
  };
  auto entry = found != recent.end() ? *found : opened();
  if (found != recent.end()) recent.erase(found);
  if (recent.size() == kKeptOpen) recent.erase(recent.begin());
  recent.push_back(entry);
  return entry.second;
}

/// The model of a trial as its readout takes it.
ModelFacts model_of(const TrialSpec& trial) {
  const BackboneSpec& spec = trial.backbone;
  const ReadModel read = read_model(spec.path);
  std::vector<std::string> names;
  for (const auto& [name, located] : checkpoint::open_safetensors(spec.path).tensors) names.push_back(name);
  const bool pooler = spec.readout == kReadsPooler && holds_pooler(*read.architecture, names);
  return {*read.architecture, read.config, {.pooler = pooler, .output = predicts_tokens(trial)}};
}

/// What decides a base's numbers, and the token ids of a task.
std::string base_key(const TrialSpec& spec) {
  return spec.backbone.weights_sha256 + spec.backbone.path + spec.precision + spec.backbone.readout + spec.device +
         (predicts_tokens(spec) ? " predicts tokens" : "");
}
std::string data_key(const TrialSpec& spec) {
  return spec.task.data_sha256 + spec.task.name + spec.backbone.tokenizer_sha256 + spec.backbone.truncation_side +
         spec.backbone.architecture + spec.backbone.input + std::to_string(spec.training.max_length);
}

/// The most that a row has.
std::int64_t sequences_of(const TaskSpec& task) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(task.choices.size()));
}

std::string features_key(const TrialSpec& spec, const std::string& split) {
  return base_key(spec) + "\n" + data_key(spec) + "\n" + split;
}

}  // namespace

TrialRows layout_of(const MethodFacts& facts, const ModelConfig& config) {
  TrialRows rows;
  rows.prompt = facts.prompt;
  rows.shift = facts.position_shift;
  rows.reads_prompt = facts.reads_prompt;
  rows.padded_to = facts.padded_to;
  rows.pad_token = config.pad_token;
  if (config.pads_share_a_position) rows.pad_position = config.pad_token;
  return rows;
}

Borrow borrow_of(const Backbone& backbone, const Base& base, IdsOfText ids_of) {
  Borrow borrow;
  borrow.weights = &base.weights();
  borrow.embedding = [&](const at::Tensor& ids) {
    return backbone.embedding(base.weights(), ids.to(base.weights().at("word.weight").device()));
  };
  borrow.fp32_copy = [&](std::string_view name) { return base.fp32_copy(name); };
  borrow.ids_of = std::move(ids_of);
  return borrow;
}

std::shared_ptr<const Base> Store::base(const TrialSpec& spec, const ModelFacts& model) {
  return recall(bases_, base_key(spec),
                [&] { return open_base(spec.backbone, spec.precision, model, device_of(spec)); });
}

std::shared_ptr<const Backbone> Store::backbone(const TrialSpec& spec) {
  const double dropout = spec.training.dropout;
  const auto exactly = std::to_string(std::bit_cast<std::uint64_t>(dropout));
  return recall(backbones_, spec.backbone.architecture + base_key(spec) + exactly,
                [&] { return std::shared_ptr<const Backbone>(make_backbone(model_of(spec), dropout)); });
}

std::shared_ptr<const TokenizedData> Store::data(const TrialSpec& spec) {
  return recall(data_, data_key(spec), [&] { return tokenize(spec.task, spec.backbone, spec.training.max_length); });
}

void Store::check_unchanged(const TrialSpec& spec) {
  const auto torn = checkpoint::torn_mapping();
  const auto base = std::ranges::find(bases_, base_key(spec), [](const auto& entry) { return entry.first; });
  const auto data = std::ranges::find(data_, data_key(spec), [](const auto& entry) { return entry.first; });
  if (base != bases_.end()) base->second->check_unchanged();
  const bool other_tokens = data != data_.end() && !data->second->unchanged();
  if (other_tokens) data_.erase(data);
  if (torn) {
    data_.clear();
    bases_.clear();
    throw TrialError(TrialError::Kind::Environment, *torn + ": was cut short while it was in use");
  }
  if (other_tokens) {
    throw TrialError(TrialError::Kind::Environment,
                     "the cached tokens of task " + spec.task.name + " were changed while they were in use");
  }
}

FeatureMemo::Features Store::features(const TrialSpec& spec, const std::string& split,
                                      std::span<const std::int64_t> rows,
                                      const std::function<FeatureMemo::Features()>& make) {
  return features_.of(features_key(spec, split), rows, make);
}

std::unique_ptr<FeatureBoard> Store::board(const TrialSpec& spec, const std::string& split,
                                           std::span<const std::int64_t> rows, std::size_t groups,
                                           std::size_t numbers) {
  std::string key = features_key(spec, split) + "\n";
  key.append(reinterpret_cast<const char*>(rows.data()), rows.size_bytes());
  return FeatureBoard::open(node_memory_, key, groups, numbers);
}

Model::Model(const TrialSpec& spec, Store& store)
    : spec_(spec),
      device_(device_of(spec)),
      data_(store.data(spec)),
      backbone_(store.backbone(spec)),
      base_(store.base(spec, backbone_->facts())),
      borrow_(
          borrow_of(*backbone_, *base_, [&](const std::string& text) { return ids_of_text(spec_.backbone, text); })),
      method_facts_(method_plan(spec.method.name).facts(context_of(spec, backbone_->facts()))),
      method_(make_method({spec.method, method_facts_, backbone_->facts(), borrow_, spec.seed})),
      objective_(make_objective({spec, backbone_->facts()})) {}

std::vector<Trained> Model::head_parameters() const {
  return method_facts_.freezes_head ? std::vector<Trained>{} : objective_->parameters();
}

bool Model::computes_features_once() const {
  return worker::computes_features_once(spec_, method_facts_);
}

std::int64_t Model::width() const {
  return sequences_of(spec_.task) * backbone_->facts().geometry.width;
}

at::Tensor Model::with_pass(const Examples& examples, const Pass& pass, const UseOutputs& use) {
  TrialRows mine = layout_of(method_facts_, backbone_->config());
  mine.rows = examples.sequences;
  const Batch batch = pack({mine}, device_, backbone_->config().first_position);
  const bool base_trains = pass.training && !method_facts_.base_in_evaluation;
  const at::Tensor inserted = objective_->inserted();
  const Sites sites({{method_.get(), spec_.seed, pass.step, base_trains, method_facts_.whole_rows, inserted}}, batch);
  const auto own = method_->own_weights(sites.pass_of(0));
  const Weights& weights = own ? *own : base_->weights();
  return use(PassOutputs(examples, pass, {*backbone_, spec_.backbone.readout, weights, batch, sites}, inserted));
}

at::Tensor Model::with_outputs(const Asked& asked, bool training, std::uint32_t step, const UseOutputs& use) {
  const Examples examples = examples_of(asked.split, asked.rows);
  Pass pass;
  pass.training = training;
  pass.seed = spec_.seed;
  pass.step = step;
  if (!asked.features.defined()) return with_pass(examples, pass, use);
  return use(KeptOutputs(examples, pass, by_sequence(asked.features.to(device_), examples, sequences_of(spec_.task))));
}

at::Tensor Model::loss(const Asked& asked, std::uint32_t step) {
  return with_outputs(asked, true, step, [&](const Outputs& outputs) { return objective_->loss(outputs); });
}

at::Tensor Model::scores(const Asked& asked) {
  return with_outputs(asked, false, 0, [&](const Outputs& outputs) { return objective_->scores(outputs); });
}

at::Tensor Model::features(const TokenizedSplit& split, std::span<const std::int64_t> rows) {
  const at::NoGradGuard no_gradient;
  return with_outputs({split, rows}, false, 0, [&](const Outputs& outputs) {
    return by_row(outputs.representation(), outputs.examples(), sequences_of(spec_.task), 0);
  });
}

}  // namespace peftgrid::worker
