#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/backbones/backbone.hpp"
#include "worker/model/base.hpp"
#include "worker/objectives/heads.hpp"
#include "worker/trial.hpp"

namespace peftgrid::tests {

/// A row as tests write it down; `example` decides its dropout.
struct TestRow {
  std::vector<std::int32_t> ids, types;
  std::uint32_t example = 0;
};

/// Where tests put networks: the CPU, or what PEFTGRID_TEST_DEVICE says (tests/gpu/run.sh).
at::Device test_device();

/// Which network: everything that a trial's spec says of it.
struct NetworkSpec {
  std::string folder, readout = "pooler", precision = "fp32";
  bool pooler = true;  // the folder holds one
  worker::MethodSpec method;
  std::int64_t outputs = 2;
  std::uint64_t seed = 1;
  double dropout = 0;  // below 0: the model's own
  at::Device device = test_device();
};

/// Base, method and head of one trial, put together as worker/model/model.cpp does, on rows that a test gives.
class Network {
 public:
  explicit Network(const NetworkSpec& spec);

  worker::Method& method() { return *method_; }
  const worker::Backbone& backbone() const { return *backbone_; }
  const worker::Base& base() const { return *base_; }
  const worker::Weights& weights() const { return own_ ? *own_ : base_->weights(); }
  const NetworkSpec& spec() const { return spec_; }
  bool runs_alone() const { return own_ != nullptr; }

  /// The rows as one trial of a pass.
  worker::TrialRows rows(const std::vector<TestRow>& rows);
  worker::Rider rider(bool training, std::uint32_t step = 0);
  /// What the head reads, [rows, width].
  at::Tensor representation(const std::vector<TestRow>& rows, bool training = false, std::uint32_t step = 0);
  /// Without the head's dropout.
  at::Tensor logits(const std::vector<TestRow>& rows);
  at::Tensor logits_of(const at::Tensor& representation) const { return head_.logits(representation, {}); }

  std::vector<worker::Trained> method_parameters() const { return method_->parameters(); }
  std::vector<worker::Trained> head_parameters() const { return head_.parameters(); }
  std::vector<worker::Trained> parameters() const;

 private:
  NetworkSpec spec_;
  std::unique_ptr<worker::Backbone> backbone_;
  std::shared_ptr<const worker::Base> base_;
  std::unique_ptr<worker::Method> method_;
  std::shared_ptr<const worker::Weights> own_;
  worker::Head head_;
};

/// Overwrites a trained tensor.
void set_values(const at::Tensor& tensor, const std::vector<float>& values);
/// The tensor's numbers, in order.
std::vector<float> values_of(const at::Tensor& tensor);

/// ||a - b|| / ||b||; where b is zero, ||a||.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace peftgrid::tests
