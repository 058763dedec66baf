#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/geometry.hpp"
#include "worker/kernels/functions.hpp"
#include "worker/methods/parameters.hpp"
#include "worker/model/randomness.hpp"
#include "worker/model/row_means.hpp"
#include "worker/model/weights.hpp"
#include "worker/plan/method_plan.hpp"

/// All that a method may do, and all that it may know. Includes no backbone's tensor part.
namespace peftgrid::worker {

/// One announced step of a backbone: at `site` of `layer`, x went in and y came out.
struct SiteCall {
  Site site;
  std::int64_t layer;  // 0 where once_a_pass(site)
  at::Tensor x, y;     // [lines, in], [lines, out]; a line is a token, or a row of the batch where per_row(site)
  /// The residual stream as it would be if y were added now (normed in a post-norm block); computed when called. At
  /// branch sites.
  std::function<at::Tensor()> joined{};
  /// The stream that y is about to be added to. At branch sites.
  at::Tensor residual{};
  /// x with mean 0 and deviation 1, before scale and shift; computed when called. At norm sites.
  std::function<at::Tensor()> normalised{};
};

/// Keys and values that join the softmax before each row's own. Undefined: none.
struct KeysValues {
  at::Tensor k, v;  // [rows or 1, length, kv_width]
};

/// The rows of one trial in a pass.
struct RowTable {
  std::vector<std::uint32_t> example;  // [rows]
  // Where the method asks for whole rows:
  RowLines own;            // the lines that are rows' own tokens
  at::Tensor row_of_line;  // [lines] int64; 0 for padding tokens
};

/// The lines of one trial in one forward pass: all tokens of its rows, or those that the head will read.
struct Pass {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t part = 0;                     // of a method that is a sum of several: which
  std::shared_ptr<const TokenOwners> owners;  // [lines]
  std::shared_ptr<const RowTable> rows;       // null where lines were left out, and behind the backbone

  /// Dropout of the method's own: `where` tells its tensors apart. x [lines, width]. Nothing in evaluation.
  at::Tensor dropout(const at::Tensor& x, double rate, std::uint32_t where) const;
  /// The same for vectors that every row has alike: x [n, width] to [rows, n, width], each row with zeroes of its own;
  /// [1, n, width] in evaluation.
  at::Tensor row_dropout(const at::Tensor& x, double rate, std::uint32_t where) const;
  /// Means over each row's own tokens: x [lines, n] to [rows, n]. Only for methods that ask for whole rows.
  at::Tensor row_means(const at::Tensor& x) const;
  /// Each line its row's numbers: x [rows, n] to [lines, n].
  at::Tensor to_lines(const at::Tensor& x) const;
};

/// One trial's adapter: owns its trained tensors, returns only what it adds. What each hook does by default is nothing.
class Method {
 public:
  virtual ~Method() = default;

  /// Once a forward pass, before all else: what several steps of it need.
  virtual void begin(const Pass& /*pass*/) {}
  /// What to add to call.y; undefined: nothing.
  virtual at::Tensor delta(const SiteCall& /*call*/, const Pass& /*pass*/) { return {}; }
  /// Keys and values for a layer whose block input is x [tokens, width]. `pass`: of all tokens.
  virtual KeysValues extra_kv(std::int64_t /*layer*/, const at::Tensor& /*x*/, const Pass& /*pass*/) { return {}; }
  /// Word-level vectors [MethodFacts::prompt, width] that go before each row's tokens; undefined: none.
  virtual at::Tensor prompt() { return {}; }
  /// Joins this trial's loss, a scalar; undefined: none.
  virtual at::Tensor penalty() { return {}; }
  /// Weights of the trial's own instead of the base, asked for each pass; then it runs alone.
  virtual std::shared_ptr<const Weights> own_weights(const Pass& /*pass*/) { return nullptr; }
  /// In the order of MethodFacts::parameters.
  virtual std::vector<Trained> parameters() const { return {}; }
  /// What a trial file keeps: folded prefixes, prompts without their network. By default what trains.
  virtual std::vector<Stored> stored();
};

/// What a method may borrow of the base.
struct Borrow {
  const Weights* weights = nullptr;                                     // frozen, by TensorFact::name
  std::function<at::Tensor(const at::Tensor&)> embedding;               // word vectors [n, width] of ids [n]
  std::function<at::Tensor(std::string_view)> fp32_copy;                // a tensor of the base in fp32, to be trained
  std::function<std::vector<std::int32_t>(const std::string&)> ids_of;  // token ids of a text, without special ones
};

/// All that a method is made of.
struct MethodSetup {
  const MethodSpec& spec;
  const MethodFacts& facts;
  const ModelFacts& model;
  const Borrow& base;
  std::uint64_t seed = 0;  // of the trial
  std::uint32_t part = 0;  // as Pass::part

  /// The same for a part of this method, which draws numbers of its own. `facts` must outlive what is returned.
  MethodSetup of_part(const MethodFacts& facts_of_part, std::uint32_t number) const {
    return {spec, facts_of_part, model, base, seed, number};
  }
  /// The key of a tensor's start: `where` tells the method's tensors apart.
  Key start(std::uint32_t where) const { return stream(seed, Purpose::MethodInit, where | part << 24U); }
};

/// Throws UsageError for a name that is none.
std::unique_ptr<Method> make_method(const MethodSetup& setup);

}  // namespace peftgrid::worker
