#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "worker/geometry.hpp"
#include "worker/methods/sites.hpp"
#include "worker/model/batch.hpp"
#include "worker/model/weights.hpp"

namespace peftgrid::worker {

/// One architecture as a function of weights, batch and sites; owns no tensor and knows no method.
class Backbone {
 public:
  virtual ~Backbone() = default;
  virtual Geometry geometry() const = 0;
  /// What the head reads, [rows, width].
  virtual at::Tensor forward(const Weights& weights, const Batch& batch, const Sites& sites) const = 0;
  /// Canonical name of the tensor with one line a token of the vocabulary.
  virtual std::string token_table() const = 0;
  /// Word-level vectors [n, width] of ids [n].
  virtual at::Tensor embedding(const Weights& weights, const at::Tensor& ids) const = 0;
  /// The tensor's canonical name for a name in a file; the same name where it is none of the architecture's.
  virtual std::string canonical_name(const std::string& in_file) const = 0;
  /// Canonical names of all tensors that the forward pass reads.
  virtual std::vector<std::string> tensors() const = 0;
  /// Is this the weight of a linear layer, whose product may be taken in bf16?
  virtual bool is_product(const std::string& name) const = 0;
  /// Canonical names of the tensors that train when the top `layers` blocks do (the pooler included); -1: all.
  virtual std::vector<std::string> top_tensors(std::int64_t layers) const = 0;
  /// The head's part between representation and classifier must be made anew: dense layer and tanh (a missing pooler).
  virtual bool needs_new_pooler() const = 0;
  virtual double head_dropout() const = 0;
  virtual std::int64_t vocabulary() const = 0;
};

/// `dropout` below 0: the rates of config.json; else all rates. Throws UsageError for a folder that cannot be used.
std::unique_ptr<Backbone> make_bert(const std::string& folder, const std::string& readout, bool pretrained_pooler,
                                    double dropout);

}  // namespace peftgrid::worker
