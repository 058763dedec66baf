#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/model/model.hpp"
#include "worker/trial.hpp"

namespace peftgrid::tests {

/// A row as tests write it down; `example` decides its dropout.
struct TestRow {
  std::vector<std::int32_t> ids, types;
  std::uint32_t example = 0;
  double label = 0;
};

/// Where tests put networks: the CPU, or what PEFTGRID_TEST_DEVICE says (tests/gpu/run.sh).
at::Device test_device();

/// Which network: everything that a trial's spec says of it.
struct NetworkSpec {
  std::string folder, readout = "pooler", precision = "fp32";
  bool pooler = true;  // the folder holds one
  worker::MethodSpec method;
  std::string kind = "classification", targets = "raw";
  std::int64_t outputs = 2;  // of a classification, or choices of a row
  std::string input = "plain";
  double auxiliary_lm = 0;
  std::int64_t max_length = 64;
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
  const NetworkSpec& spec() const { return spec_; }
  const worker::MethodFacts& facts() const { return facts_; }
  /// It has weights of its own.
  bool runs_alone() const { return facts_.copies_base; }
  worker::Objective& objective() { return *objective_; }

  /// The rows as one trial of a pass.
  worker::TrialRows rows(const std::vector<TestRow>& rows);
  worker::TrialInBatch in_batch(bool training, std::uint32_t step = 0);
  worker::Batch pack(const std::vector<worker::TrialRows>& trials) const;
  /// What the head reads, [rows, width].
  at::Tensor representation(const std::vector<TestRow>& rows, bool training = false, std::uint32_t step = 0);
  /// Without the head's dropout.
  at::Tensor logits(const std::vector<TestRow>& rows);
  at::Tensor logits_of(const at::Tensor& representation) const;
  /// The objective's scores and mean loss, by a pass in evaluation mode.
  at::Tensor scores(const worker::Examples& examples);
  at::Tensor loss(const worker::Examples& examples);

  std::vector<worker::Trained> method_parameters() const { return method_->parameters(); }
  std::vector<worker::Trained> head_parameters() const {
    return facts_.freezes_head ? std::vector<worker::Trained>{} : objective_->parameters();
  }
  std::vector<worker::Trained> parameters() const;

 private:
  at::Tensor with_pass(const worker::Examples& examples, bool training, std::uint32_t step,
                       const std::function<at::Tensor(const worker::Outputs&)>& use);

  NetworkSpec spec_;
  worker::TrialSpec trial_;
  std::unique_ptr<worker::Backbone> backbone_;
  std::shared_ptr<const worker::Base> base_;
  worker::Borrow borrow_;
  worker::MethodFacts facts_;
  std::unique_ptr<worker::Method> method_;
  std::unique_ptr<worker::Objective> objective_;
};

/// Overwrites a trained tensor.
void set_values(const at::Tensor& tensor, const std::vector<float>& values);
/// The tensor's numbers, in order.
std::vector<float> values_of(const at::Tensor& tensor);

/// ||a - b|| / ||b||; where b is zero, ||a||.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace peftgrid::tests
