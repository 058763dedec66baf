#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/backbones/architecture.hpp"
#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

/// The plan part of a method: everything about it but its arithmetic, without a tensor. It lists what the method
/// trains, and the tensor part (worker/methods/method.hpp) allocates that list: a count is a sum over it and cannot
/// disagree with training. METHOD.cpp and METHOD_plan.cpp lie side by side in worker/methods/; methods.inc lists them.
namespace peftgrid::worker {

/// What a method is planned for.
struct MethodContext {
  const MethodSpec& method;
  const ModelFacts& model;  // as it is read: no pooler where the readout goes past it
  const TaskSpec& task;
  const std::string& readout;
  std::int64_t max_length = 0;  // of a row, in tokens
  std::string input = kInputPlain;
};
/// Of a trial, on its model as it is read.
MethodContext context_of(const TrialSpec& spec, const ModelFacts& model);

/// One tensor of a method, by name, as it is allocated and stored.
struct ParameterFact {
  std::string name;
  Shape shape;
  bool decays = true;     // weight decay acts on it: not on biases, norms, gates and changes of what is pretrained
  bool by_token = false;  // its line r is used only where a text holds token r
  double rate = 1;        // times the trial's learning rate
  bool trains = true;     // false: it belongs to the method and stays as it starts
};

/// What planning, scheduling and the training loop know of one (method, options, model, task).
struct MethodFacts {
  std::vector<ParameterFact> parameters;  // in the order of the flat buffer; the head's are the objective's
  /// Numbers that a trial keeps, where a network is folded or the base's copies are left out; below 0: all that train.
  std::int64_t stored = -1;
  std::int64_t token_products = 0;  // numbers of its own that each token is multiplied by
  std::int64_t pass_products = 0;   // multiplications of its networks in a forward pass, whatever the batch
  double trained_base = 0;          // share of the base's blocks whose weights get gradients
  std::int64_t prompt = 0;          // vectors before each row's first token
  std::int64_t extra_keys = 0;      // keys and values of its own in each layer
  std::int64_t position_shift = 0;  // a row's first token has this position
  std::int64_t padded_to = 0;       // rows are padded to so many tokens, which are queries and no keys; 0: never
  bool reads_prompt = false;        // the readout's first token is the prompt's
  bool base_in_evaluation = false;  // nothing of it trains, and nothing is dropped out
  bool whole_rows = false;          // it asks for means over a row's tokens, in the last block too
  bool copies_base = false;         // its tensors are the base's, kept as hashes unless all is asked for
  bool freezes_head = false;        // the head stays as it starts
  bool starts_as_base = true;       // a fresh one adds nothing

  std::int64_t trained() const;  // numbers that train
  std::int64_t kept() const;     // numbers that a trial keeps with `keep: all`
};

/// Default learning rates, by size class (catalogue.hpp).
struct DefaultRates {
  double small = 0, small_regression = 0;  // from the sweeps of docs/methods.md
  double large = 0;                        // customary ones
  double decoder = 0;                      // of decoders below 400 M parameters, swept; 0: as large
};

class MethodPlan {
 public:
  virtual ~MethodPlan() = default;
  virtual MethodInfo info() const = 0;
  /// What other programs and papers call it, beside its own name; compared without case, dashes and underscores.
  virtual std::vector<std::string> also_called() const { return {}; }
  virtual DefaultRates rates() const = 0;
  /// Of a form of the method that learns at other rates; `method` may lack options.
  virtual DefaultRates rates_of(const MethodSpec& /*method*/) const { return rates(); }
  /// As catalogue.hpp's.
  virtual std::optional<double> published_rate(const std::string& /*protocol*/) const { return std::nullopt; }
  virtual MethodFacts facts(const MethodContext& context) const = 0;
  /// Throws UsageError: the user's mistake.
  virtual void check(const MethodContext& /*context*/) const {}
  /// Why it cannot be run here: a stated hole, never an error.
  virtual std::optional<std::string> does_not_apply(const MethodContext& /*context*/) const { return std::nullopt; }
  /// As catalogue.hpp's.
  virtual std::vector<std::string> idle_options(const MethodContext& /*context*/) const { return {}; }
  virtual std::vector<std::string> absent_parts(const MethodContext& /*context*/) const { return {}; }
  /// A text whose tokens it starts from; empty where it starts from none.
  virtual std::string starting_text(const MethodSpec& /*method*/) const { return {}; }
  /// Nothing trains, no head either: the pretrained model answers as it is.
  virtual bool is_untrained() const { return false; }
  /// Reports measure the others against it.
  virtual bool is_baseline(const MethodSpec& /*method*/) const { return false; }
};

/// Throws UsageError for a name that is none.
const MethodPlan& method_plan(const std::string& name);

/// Throws UsageError: `option` is `asked`, and 1 to `most` would be right, `of_what`.
[[noreturn]] void too_large(const MethodSpec& method, const char* option, std::int64_t most, const char* of_what);

}  // namespace peftgrid::worker
