#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>

#include "worker/backbones/backbone.hpp"
#include "worker/model/examples.hpp"

namespace peftgrid::worker {

/// What a model gives for some rows in one pass: all that an objective may use of it.
class Outputs {
 public:
  /// `pass`: training, seed and step; without owners.
  Outputs(const Examples& examples, Pass pass) : examples_(examples), pass_(std::move(pass)) {}
  virtual ~Outputs() = default;

  const Examples& examples() const { return examples_; }
  const Pass& pass() const { return pass_; }

  /// What a head reads of each sequence, [sequences, width].
  virtual at::Tensor representation() const = 0;
  /// Negative log-probabilities in nats of the tokens of each sequence from the place `from` [sequences] names (1 or
  /// later) to its end, one sequence after the other, [all of them]. Only where the trial predicts tokens.
  virtual at::Tensor token_losses(std::span<const std::int32_t> from) const = 0;

 private:
  const Examples& examples_;
  Pass pass_;
};

/// What a pass through a backbone is made with.
struct BackbonePass {
  const Backbone& backbone;
  const std::string& readout;
  const Weights& weights;
  const Batch& batch;
  const Sites& sites;
};
/// What a head reads of each row of the batch, [rows, width], announced at Site::Output. `hidden`: the final states of
/// all tokens where they are known; else undefined.
at::Tensor representation(const BackbonePass& run, const at::Tensor& hidden = {});

/// Of a pass through the backbone, which must outlive this.
class PassOutputs : public Outputs {
 public:
  /// `inserted`: vectors of the tokens that the trial inserts; undefined: none.
  PassOutputs(const Examples& examples, Pass pass, const BackbonePass& run, at::Tensor inserted);

  at::Tensor representation() const override { return worker::representation(run_, hidden_); }
  at::Tensor token_losses(std::span<const std::int32_t> from) const override;

 private:
  BackbonePass run_;
  at::Tensor inserted_;
  at::Tensor hidden_;  // of all tokens, where they predict tokens; else undefined
};

/// Of representations that were computed before, [sequences, width].
class KeptOutputs : public Outputs {
 public:
  KeptOutputs(const Examples& examples, Pass pass, at::Tensor representation)
      : Outputs(examples, std::move(pass)), representation_(std::move(representation)) {}

  at::Tensor representation() const override { return representation_; }
  /// Throws std::logic_error: whoever predicts tokens runs the base.
  at::Tensor token_losses(std::span<const std::int32_t> from) const override;

 private:
  at::Tensor representation_;
};

}  // namespace peftgrid::worker
