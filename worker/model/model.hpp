#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "worker/model/base.hpp"
#include "worker/objectives/heads.hpp"
#include "worker/tasks/tokens.hpp"
#include "worker/training/feature_board.hpp"
#include "worker/training/feature_memo.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// What trials on one rank share and what is costly to open: backbones, mapped bases, tokenized data, features of a
/// frozen base. The last few of each stay open; a grid walks through few.
class Store {
 public:
  /// `node_memory`: WorkerInfo's.
  explicit Store(std::filesystem::path node_memory = {}) : node_memory_(std::move(node_memory)) {}

  std::shared_ptr<const Backbone> backbone(const TrialSpec& spec);
  std::shared_ptr<const Base> base(const TrialSpec& spec, const Backbone& architecture);
  std::shared_ptr<const TokenizedData> data(const TrialSpec& spec);
  /// Before a trial and before its result is published: what it reads is what its id was made of. Throws ChangedInput,
  /// or TrialError where a file was cut short while it was mapped; then nothing of it is kept open.
  void check_unchanged(const TrialSpec& spec);
  /// Of rows of a split of the trial's task, by the trial's base in evaluation mode.
  FeatureMemo::Features features(const TrialSpec& spec, const std::string& split, std::span<const std::int64_t> rows,
                                 const std::function<FeatureMemo::Features()>& make);
  /// Where the ranks of this node make them together, `numbers` in so many groups; null: nowhere.
  std::unique_ptr<FeatureBoard> board(const TrialSpec& spec, const std::string& split,
                                      std::span<const std::int64_t> rows, std::size_t groups, std::size_t numbers);

 private:
  template <typename T>
  using Recent = std::vector<std::pair<std::string, std::shared_ptr<const T>>>;
  Recent<Backbone> backbones_;
  Recent<Base> bases_;
  Recent<TokenizedData> data_;
  FeatureMemo features_;
  std::filesystem::path node_memory_;
};

/// What a method of a trial with that seed may borrow; backbone and base must outlive it.
Borrow borrow_of(const Backbone& backbone, const Base& base, std::uint64_t seed);

/// One trial's network: shared base, method, head.
class Model {
 public:
  Model(const TrialSpec& spec, Store& store);

  /// Where it computes; what it returns lies there, and what it is given may lie anywhere.
  at::Device device() const { return device_; }
  /// Logits [rows, outputs] of some rows of a split. `step` counts micro-batches: dropout draws by it.
  at::Tensor logits(const TokenizedSplit& split, std::span<const std::int64_t> rows, bool training, std::uint32_t step);
  /// What the head reads, [rows, width], by the base in evaluation mode.
  at::Tensor representation(const TokenizedSplit& split, std::span<const std::int64_t> rows);
  /// Logits from representations that were computed before; `rows` tell the head's dropout whose they are.
  at::Tensor head_logits(const at::Tensor& representation, std::span<const std::int64_t> rows, bool training,
                         std::uint32_t step) const;

  /// What the method adds to the loss of a step; undefined: nothing.
  at::Tensor penalty() { return method_->penalty(); }
  /// Representations never change during the trial.
  bool has_fixed_representation() const { return method_->base_in_evaluation(); }
  /// Of what the head reads.
  std::int64_t width() const { return backbone_->geometry().width; }
  /// Slots that the method puts before each row.
  std::int64_t prompt_length() const { return prompt_; }
  const std::vector<Trained>& method_parameters() const { return method_parameters_; }
  std::vector<Trained> head_parameters() const { return head_.parameters(); }
  std::shared_ptr<const TokenizedData> data() const { return data_; }
  bool regression() const { return regression_; }

 private:
  at::Tensor encode(const TokenizedSplit& split, std::span<const std::int64_t> rows, bool training, std::uint32_t step);
  const Weights& weights() const;

  at::Device device_;
  std::uint64_t seed_;
  bool regression_;
  std::shared_ptr<const TokenizedData> data_;
  std::shared_ptr<const Backbone> backbone_;
  std::shared_ptr<const Base> base_;
  std::unique_ptr<Method> method_;
  std::shared_ptr<const Weights> own_;
  std::vector<Trained> method_parameters_;
  std::int64_t prompt_ = 0;
  Head head_;
};

}  // namespace peftgrid::worker
