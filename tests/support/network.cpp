#include "tests/support/network.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "checkpoint/safetensors.hpp"
#include "worker/model/model.hpp"
#include "worker/model/outputs.hpp"
#include "worker/objectives/objective.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/service/worker.hpp"

namespace peftgrid::tests {

namespace {

worker::TrialSpec trial_of(const NetworkSpec& spec) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : checkpoint::open_safetensors(spec.folder).files) files.push_back(file.path());
  worker::TrialSpec trial;
  trial.backbone = {"test", spec.folder, "", spec.readout, worker::weights_sha256(files, spec.folder), ""};
  trial.method = spec.method;
  trial.seed = spec.seed;
  trial.training.max_length = spec.max_length;
  trial.task.kind = spec.kind;
  trial.task.targets = spec.targets;
  trial.training.auxiliary_lm = spec.auxiliary_lm;
  trial.backbone.input = spec.input;
  if (worker::has_classes(trial.task)) trial.task.labels.resize(static_cast<std::size_t>(spec.outputs));
  if (spec.kind == worker::kChoice) trial.task.choices.resize(static_cast<std::size_t>(spec.outputs));
  return trial;
}

worker::ModelFacts model_of(const NetworkSpec& spec) {
  const worker::ReadModel read = worker::read_model(spec.folder);
  const bool output = worker::predicts_tokens(trial_of(spec));
  return {*read.architecture, read.config, {.pooler = spec.pooler && spec.readout == "pooler", .output = output}};
}

/// Tiny models have no words: a text is its characters.
std::vector<std::int32_t> ids_of(const std::string& text) {
  return {text.begin(), text.end()};
}

/// Each row a sequence.
worker::Examples examples_of(const std::vector<TestRow>& rows) {
  worker::Examples examples;
  examples.first.push_back(0);
  for (const TestRow& row : rows) {
    examples.sequences.push_back({row.ids, row.types, row.example});
    examples.first_target.push_back(1);
    examples.first.push_back(examples.count());
    examples.row.push_back(row.example);
    examples.labels.push_back(row.label);
  }
  return examples;
}

}  // namespace

at::Device test_device() {
  static const at::Device device = [] {
    const char* name = std::getenv("PEFTGRID_TEST_DEVICE");
    if (name == nullptr || std::string(name) == "cpu") return at::Device(at::kCPU);
    worker::open_cuda();
    return at::Device(at::kCUDA);
  }();
  return device;
}

Network::Network(const NetworkSpec& spec)
    : spec_(spec),
      trial_(trial_of(spec)),
      backbone_(worker::make_backbone(model_of(spec), spec.dropout)),
      base_(worker::open_base(trial_.backbone, spec.precision, backbone_->facts(), spec.device)),
      borrow_(worker::borrow_of(*backbone_, *base_, ids_of)),
      facts_(worker::method_plan(spec.method.name).facts(worker::context_of(trial_, backbone_->facts()))),
      method_(worker::make_method({trial_.method, facts_, backbone_->facts(), borrow_, spec.seed})),
      objective_(worker::make_objective({trial_, backbone_->facts()})) {
  at::set_num_threads(1);  // as trials run; and OpenMP's waiting threads make a busy machine a hundred times slower
}

worker::TrialRows Network::rows(const std::vector<TestRow>& rows) {
  worker::TrialRows mine = worker::layout_of(facts_, backbone_->config());
  for (const TestRow& row : rows) mine.rows.push_back({row.ids, row.types, row.example});
  return mine;
}

worker::TrialInBatch Network::in_batch(bool training, std::uint32_t step) {
  return {method_.get(),         spec_.seed, step, training && !facts_.base_in_evaluation, facts_.whole_rows,
          objective_->inserted()};
}

at::Tensor Network::with_pass(const worker::Examples& examples, bool training, std::uint32_t step,
                              const std::function<at::Tensor(const worker::Outputs&)>& use) {
  worker::TrialRows mine = worker::layout_of(facts_, backbone_->config());
  mine.rows = examples.sequences;
  const worker::Batch batch = pack({mine});
  const worker::Sites sites({in_batch(training, step)}, batch);
  const auto own = method_->own_weights(sites.pass_of(0));
  const worker::Weights& weights = own ? *own : base_->weights();
  return use(
      worker::PassOutputs(examples, {}, {*backbone_, spec_.readout, weights, batch, sites}, objective_->inserted()));
}

at::Tensor Network::representation(const std::vector<TestRow>& some, bool training, std::uint32_t step) {
  return with_pass(examples_of(some), training, step,
                   [](const worker::Outputs& outputs) { return outputs.representation(); });
}

worker::Batch Network::pack(const std::vector<worker::TrialRows>& trials) const {
  return worker::pack(trials, spec_.device, backbone_->config().first_position);
}

at::Tensor Network::logits(const std::vector<TestRow>& rows) {
  return scores(examples_of(rows));
}

at::Tensor Network::logits_of(const at::Tensor& representation) const {
  const worker::Examples none = examples_of(std::vector<TestRow>(static_cast<std::size_t>(representation.size(0))));
  return objective_->scores(worker::KeptOutputs(none, {}, representation));
}

at::Tensor Network::scores(const worker::Examples& examples) {
  return with_pass(examples, false, 0, [&](const worker::Outputs& outputs) { return objective_->scores(outputs); });
}

at::Tensor Network::loss(const worker::Examples& examples) {
  return with_pass(examples, false, 0, [&](const worker::Outputs& outputs) { return objective_->loss(outputs); });
}

std::vector<worker::Trained> Network::parameters() const {
  std::vector<worker::Trained> all = method_parameters();
  for (worker::Trained& head : head_parameters()) all.push_back(std::move(head));
  return all;
}

void set_values(const at::Tensor& tensor, const std::vector<float>& values) {
  const at::NoGradGuard no_gradient;
  const at::Tensor host = at::empty(tensor.sizes(), at::kFloat);
  std::copy(values.begin(), values.end(), host.mutable_data_ptr<float>());
  tensor.copy_(host);
}

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor whole = (tensor.is_sparse() ? tensor.to_dense() : tensor).detach().cpu().contiguous();
  const float* first = whole.const_data_ptr<float>();
  return {first, first + whole.numel()};
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a.at(i)) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return a.size() != b.size() ? INFINITY : std::sqrt(difference) / (size > 0 ? std::sqrt(size) : 1);
}

}  // namespace peftgrid::tests
