#pragma once

#include <memory>
#include <vector>

#include "worker/methods/method.hpp"
#include "worker/model/batch.hpp"

/// All that a backbone sees of trials and methods: it announces its steps here (exemplars of the design: one base
/// product serves the rows of every trial in the pass).
namespace peftgrid::worker {

/// One trial in a pass.
struct TrialInBatch {
  Method* method;
  std::uint64_t seed;
  std::uint32_t step;
  bool training;
  bool whole_rows = false;  // MethodFacts'
  at::Tensor inserted{};    // vectors of the tokens that it inserts, [vectors, width]; undefined: it inserts none
};

class Sites {
 public:
  /// In the order in which `batch` holds their rows. Begins each method's pass.
  Sites(const std::vector<TrialInBatch>& trials, const Batch& batch);
  /// That of the trial of this index, over all its tokens.
  const Pass& pass_of(std::size_t trial) const { return rows_[trial].pass; }
  /// May tokens be left out that nobody reads?
  bool may_narrow() const;
  /// The same trials where only these tokens go on: from here each line is one token of a row.
  Sites narrowed(const ReadTokens& read) const;
  /// The lines of x [tokens, width] that go on.
  at::Tensor lines(const at::Tensor& x) const;

  /// call.y plus what the methods add to it.
  at::Tensor at(const SiteCall& call) const;
  /// The base's own dropout, by each trial's own randomness. x [lines, width].
  at::Tensor dropout(const at::Tensor& x, double rate, Purpose purpose, std::int64_t layer) const;
  /// Attention with each trial's extra keys and values. `x` [tokens, width] is what keys and values were made of; k, v
  /// [tokens, kv_width], q and what returns [lines, query_width].
  at::Tensor attention(std::int64_t layer, const at::Tensor& x, const at::Tensor& q, const at::Tensor& k,
                       const at::Tensor& v, const Geometry& geometry, double rate) const;
  /// Word vectors [tokens, width] with the prompts' slots filled, and inserted tokens'.
  at::Tensor with_prompts(const at::Tensor& words) const;

 private:
  struct Rows {
    Method* method;
    bool whole_rows;
    Pass pass;  // owners: of the lines
    std::int64_t row, rows, token, tokens, line, lines;
    std::shared_ptr<const TokenOwners> owners;                 // [tokens]
    std::shared_ptr<const RowTable> table;                     // of all tokens
    std::shared_ptr<const std::vector<std::int32_t>> offsets;  // from 0
    std::shared_ptr<const std::vector<std::int32_t>> query;    // null: every token asks
    std::shared_ptr<const std::vector<std::int32_t>> keys;     // null: every token is one
    at::Tensor prompt_slots;                                   // indices into all tokens; undefined: none
    at::Tensor inserted, inserted_slots, inserted_which;       // as TrialInBatch and Batch have them; undefined: none
  };
  explicit Sites(std::vector<Rows> rows, at::Tensor index) : rows_(std::move(rows)), index_(std::move(index)) {}

  std::vector<Rows> rows_;
  at::Tensor index_;  // of the lines in the tokens; undefined: all
};

}  // namespace peftgrid::worker
