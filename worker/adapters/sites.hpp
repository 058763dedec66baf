#pragma once

#include <memory>
#include <vector>

#include "worker/adapters/method.hpp"
#include "worker/batch.hpp"

/// All that a backbone sees of trials and methods: it announces its steps here (exemplars of the design: one base
/// product serves the rows of every trial in the pass).
namespace peftgrid::worker {

/// One trial in a pass.
struct Rider {
  Method* method;
  std::uint64_t seed;
  std::uint32_t step;
  bool training;
};

class Sites {
 public:
  /// Riders in the order in which `batch` holds their rows. Calls begin on each method.
  Sites(std::vector<Rider> riders, const Batch& batch);

  /// step.y plus what the methods add to it.
  at::Tensor at(const Step& step) const;
  /// The base's own dropout, by each trial's own randomness. x [tokens, width].
  at::Tensor dropout(const at::Tensor& x, double rate, Purpose purpose, std::int64_t layer) const;
  /// Attention with each trial's extra keys and values. `x` is the block's input; all [tokens, width].
  at::Tensor attention(std::int64_t layer, const at::Tensor& x, const at::Tensor& q, const at::Tensor& k,
                       const at::Tensor& v, std::int64_t heads, double rate) const;
  /// Word vectors [tokens, width] with the prompts' slots filled.
  at::Tensor with_prompts(const at::Tensor& words) const;

 private:
  struct Rows {
    Rider rider;
    std::int64_t row, rows, token, tokens;
    std::shared_ptr<const TokenOwners> owners;
    std::shared_ptr<const std::vector<std::int32_t>> offsets;  // from 0
    at::Tensor prompt_slots;                                   // indices into all tokens; undefined: none
  };
  std::vector<Rows> rows_;
  std::int64_t tokens_;
};

}  // namespace peftgrid::worker
