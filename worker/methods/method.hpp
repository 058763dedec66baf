#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/geometry.hpp"
#include "worker/kernels/functions.hpp"
#include "worker/model/randomness.hpp"
#include "worker/model/weights.hpp"

/// All that a method may do, and all that it may know. Includes no backbone.
namespace peftgrid::worker {

/// One announced step of a backbone: at `site` of `layer`, x went in and y came out.
struct Step {
  Site site;
  std::int64_t layer;  // 0 where once_a_pass(site)
  at::Tensor x, y;     // [lines, in], [lines, out]; a line is a token, or a row of the batch where per_row(site)
  /// The residual stream as it would be if y were added now (normed in a post-norm block); computed when called.
  std::function<at::Tensor()> joined;
};

/// Keys and values that join the softmax before each row's own. Undefined: none.
struct KeysValues {
  at::Tensor k, v;  // [rows or 1, length, kv_width]
};

/// The lines of one trial in one forward pass: all tokens of its rows, or those that the head will read.
struct Pass {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::shared_ptr<const TokenOwners> owners;  // [lines]

  /// Dropout of the method's own: `where` tells its tensors apart. x [lines, width]. Nothing in evaluation.
  at::Tensor dropout(const at::Tensor& x, double rate, std::uint32_t where) const;
};

/// A tensor that trains. `decays`: weight decay acts on it (biases and norms are spared). `by_token`: its row r is used
/// only where a text holds token r.
struct Trained {
  std::string name;
  at::Tensor tensor;
  bool decays = true, by_token = false;
};

/// One trial's adapter: owns its trained tensors, returns only what it adds.
class Method {
 public:
  virtual ~Method() = default;

  /// What to add to step.y; undefined: nothing.
  virtual at::Tensor delta(const Step& /*step*/, const Pass& /*pass*/) { return {}; }
  /// Keys and values for a layer whose block input is x [tokens, width].
  virtual KeysValues extra_kv(std::int64_t /*layer*/, const at::Tensor& /*x*/) { return {}; }
  /// Word-level vectors [length, width] that go before each row's tokens; undefined: none.
  virtual at::Tensor prompt() { return {}; }
  /// Joins this trial's loss, a scalar; undefined: none.
  virtual at::Tensor penalty() { return {}; }
  /// Weights of the trial's own instead of the base; then it runs alone.
  virtual std::shared_ptr<const Weights> own_weights() { return nullptr; }
  /// The base runs in evaluation mode, so that what it gives for a row never changes (head only).
  virtual bool base_in_evaluation() const { return false; }
  /// In a fixed order, the same at every start.
  virtual std::vector<Trained> parameters() const { return {}; }
};

/// What a method may borrow of the base.
struct Borrow {
  Geometry geometry;
  std::uint64_t seed = 0;                                  // of the trial
  std::function<at::Tensor(const at::Tensor&)> embedding;  // word vectors [n, width] of ids [n]
  std::int64_t vocabulary = 0;
  std::string token_table;                                            // the tensor that holds word vectors
  const Weights* weights = nullptr;                                   // the frozen base
  std::function<at::Tensor(const std::string&)> fp32_copy;            // a tensor of the base in fp32, to be trained
  std::function<std::vector<std::string>(std::int64_t)> top_tensors;  // names: the top k blocks and the pooler; -1: all
};

/// A trained tensor with given numbers.
at::Tensor trained(std::vector<float> values, at::IntArrayRef shape);

}  // namespace peftgrid::worker
