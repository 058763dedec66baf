#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "worker/backbones/backbone.hpp"
#include "worker/catalogue.hpp"
#include "worker/model/base.hpp"
#include "worker/objectives/objective.hpp"
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
  std::shared_ptr<const Base> base(const TrialSpec& spec, const ModelFacts& model);
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

/// What a method may borrow; backbone and base must outlive it.
using IdsOfText = std::function<std::vector<std::int32_t>(const std::string&)>;
Borrow borrow_of(const Backbone& backbone, const Base& base, IdsOfText ids_of);
/// How a method wants a trial's rows packed; the rows themselves are still to come.
TrialRows layout_of(const MethodFacts& facts, const ModelConfig& config);

/// One trial's network: shared base, method, and the objective with its head.
class Model {
 public:
  /// `spec` must outlive this.
  Model(const TrialSpec& spec, Store& store);

  /// Where it computes; what it returns lies there, and what it is given may lie anywhere.
  at::Device device() const { return device_; }
  /// Some rows of a split, and what the head reads of each where that was computed before (undefined: it was not).
  struct Asked {
    const TokenizedSplit& split;
    std::span<const std::int64_t> rows;
    at::Tensor features{};
  };
  /// The objective's mean loss in training. `step` counts micro-batches: dropout draws by it.
  at::Tensor loss(const Asked& asked, std::uint32_t step);
  /// The objective's scores in evaluation, [rows, outputs].
  at::Tensor scores(const Asked& asked);
  /// What the head reads of each row, [rows, width()], by the base in evaluation mode: of all of its sequences, one
  /// after the other, zeros behind them.
  at::Tensor features(const TokenizedSplit& split, std::span<const std::int64_t> rows);
  /// Is that the same whenever it is asked for?
  bool computes_features_once() const;

  /// What the method adds to the loss of a step; undefined: nothing.
  at::Tensor penalty() { return method_->penalty(); }
  const MethodFacts& method_facts() const { return method_facts_; }
  Objective& objective() { return *objective_; }
  const Objective& objective() const { return *objective_; }
  std::int64_t outputs() const { return outputs_of(spec_.task); }
  /// Of a row's features.
  std::int64_t width() const;
  std::vector<Trained> method_parameters() const { return method_->parameters(); }
  /// Those of the head; none where the method freezes it.
  std::vector<Trained> head_parameters() const;
  /// What a trial file keeps of the method.
  std::vector<Stored> stored() { return method_->stored(); }
  std::shared_ptr<const TokenizedData> data() const { return data_; }

 private:
  using UseOutputs = std::function<at::Tensor(const Outputs&)>;
  /// What `use` makes of the outputs for these rows; where they have features, without the base.
  at::Tensor with_outputs(const Asked& asked, bool training, std::uint32_t step, const UseOutputs& use);
  /// Of a pass through the base.
  at::Tensor with_pass(const Examples& examples, const Pass& pass, const UseOutputs& use);

  const TrialSpec& spec_;
  at::Device device_;
  std::shared_ptr<const TokenizedData> data_;
  std::shared_ptr<const Backbone> backbone_;
  std::shared_ptr<const Base> base_;
  Borrow borrow_;
  MethodFacts method_facts_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Objective> objective_;
};

}  // namespace peftgrid::worker
