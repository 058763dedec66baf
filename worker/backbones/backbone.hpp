#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "worker/backbones/architecture.hpp"
#include "worker/backbones/blocks.hpp"
#include "worker/methods/sites.hpp"
#include "worker/model/batch.hpp"
#include "worker/model/weights.hpp"

namespace peftgrid::worker {

/// The tensor part of an architecture: a function of weights, batch and sites. Owns no tensor and knows no method.
class Backbone {
 public:
  /// `dropout` below 0: the rates of config.json; else all rates.
  Backbone(ModelFacts facts, double dropout);
  virtual ~Backbone() = default;
  const ModelFacts& facts() const { return facts_; }
  const ModelConfig& config() const { return facts_.config; }

  /// Final hidden states of all tokens, [tokens, width].
  at::Tensor hidden(const Weights& weights, const Batch& batch, const Sites& sites) const;
  /// Those of one token of each row, [rows, width]: the last block runs for these only, where the trials allow it.
  at::Tensor hidden_of(const ReadTokens& read, const Weights& weights, const Batch& batch, const Sites& sites) const;
  /// Word-level vectors [n, width] of ids [n].
  at::Tensor embedding(const Weights& weights, const at::Tensor& ids) const;
  /// The pretrained pooler on first tokens [rows, width], announced at Site::Pooler.
  at::Tensor pooled(const Weights& weights, const Sites& sites, const at::Tensor& x) const;

 private:
  /// What enters the first block, [tokens, width].
  virtual at::Tensor embed(const Weights& weights, const Batch& batch, const Sites& sites) const = 0;
  /// By which angles queries and keys turn, for all tokens; undefined where they do not.
  virtual Rotation rotation(const Batch& /*batch*/) const { return {}; }
  /// x [tokens, width] to [lines of run.asking, width].
  virtual at::Tensor block(const BlockRun& run, const at::Tensor& x) const = 0;
  /// Behind the last block: x [lines, width], announced by `sites`.
  virtual at::Tensor finish(const Weights& /*weights*/, const Sites& /*sites*/, const at::Tensor& x) const { return x; }
  at::Tensor run_blocks(const Weights& weights, const Batch& batch, const Sites& sites, const Sites& at_the_top) const;

  ModelFacts facts_;
};

/// The tensor part that architectures.inc names for the model's architecture.
std::unique_ptr<Backbone> make_backbone(ModelFacts facts, double dropout);

}  // namespace peftgrid::worker
