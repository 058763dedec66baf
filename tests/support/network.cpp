#include "tests/support/network.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "checkpoint/safetensors.hpp"
#include "worker/model/model.hpp"
#include "worker/model/registry.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/service/worker.hpp"

namespace peftgrid::tests {

namespace {

worker::BackboneSpec backbone_spec(const NetworkSpec& spec) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : checkpoint::open_safetensors(spec.folder).files) files.push_back(file.path());
  return {"test", spec.folder, "bert", spec.readout, worker::weights_sha256(files, spec.folder), ""};
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
      backbone_(worker::make_backbone(backbone_spec(spec), spec.pooler, spec.dropout)),
      base_(worker::open_base(backbone_spec(spec), spec.precision, *backbone_, spec.device)),
      method_(worker::make_method(spec.method, worker::borrow_of(*backbone_, *base_, spec.seed))),
      own_(method_->own_weights()),
      head_(backbone_->geometry().width, spec.outputs, backbone_->needs_new_pooler(), backbone_->head_dropout(),
            spec.seed) {
  at::set_num_threads(1);  // as trials run; and OpenMP's waiting threads make a busy machine a hundred times slower
}

worker::TrialRows Network::rows(const std::vector<TestRow>& rows) {
  worker::TrialRows mine;
  const at::Tensor prompt = method_->prompt();
  mine.prompt = prompt.defined() ? prompt.size(0) : 0;
  for (const TestRow& row : rows) mine.rows.push_back({row.ids, row.types, row.example});
  return mine;
}

worker::Rider Network::rider(bool training, std::uint32_t step) {
  return {method_.get(), spec_.seed, step, training && !method_->base_in_evaluation()};
}

at::Tensor Network::representation(const std::vector<TestRow>& some, bool training, std::uint32_t step) {
  const worker::Batch batch = worker::pack({rows(some)}, spec_.device);
  const worker::Sites sites({rider(training, step)}, batch);
  return backbone_->forward(weights(), batch, sites);
}

at::Tensor Network::logits(const std::vector<TestRow>& rows) {
  return logits_of(representation(rows));
}

std::vector<worker::Trained> Network::parameters() const {
  std::vector<worker::Trained> all = method_parameters();
  for (worker::Trained& head : head_.parameters()) all.push_back(std::move(head));
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
