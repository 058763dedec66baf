#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "worker/backbones/architecture.hpp"
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
  virtual at::Tensor embedding(const Weights& weights, const at::Tensor& ids) const = 0;
  /// The pretrained pooler on first tokens [rows, width], announced at Site::Pooler.
  virtual at::Tensor pooled(const Weights& weights, const Sites& sites, const at::Tensor& x) const = 0;

 private:
  /// What enters the first block, [tokens, width].
  virtual at::Tensor embed(const Weights& weights, const Batch& batch, const Sites& sites) const = 0;
  /// x [tokens, width] to [lines of `asking`, width]: all tokens are keys and values, what `asking` leaves out asks for
  /// nothing.
  virtual at::Tensor block(const Weights& weights, const Sites& sites, const Sites& asking, std::int64_t layer,
                           const at::Tensor& x) const = 0;
  at::Tensor below_top(const Weights& weights, const Batch& batch, const Sites& sites) const;

  ModelFacts facts_;
};

/// The tensor part that architectures.inc names for the model's architecture.
std::unique_ptr<Backbone> make_backbone(ModelFacts facts, double dropout);

}  // namespace peftgrid::worker
