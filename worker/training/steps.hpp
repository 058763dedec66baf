#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/model.hpp"
#include "worker/training/optim.hpp"
#include "worker/training/team.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The steps of one trial: which rows each takes, and the gradient of their mean loss. A trial of width w cuts each
/// micro-batch by rows into w shards of about as many tokens; the ranks of the team share these, and the shards'
/// gradients are added in the order of the shards, whoever computed them.
class Steps {
 public:
  /// `train`: the rows of the training split that the trial trains on. All arguments must outlive this.
  Steps(const TrialSpec& spec, Model& model, FlatParameters& parameters, const std::vector<std::int64_t>& train,
        const Team& team);

  std::int64_t per_epoch() const { return per_epoch_; }
  std::int64_t total() const { return total_; }

  /// From here on the base is spared: [rows of `train`, width], what the head reads of each.
  void take_features(at::Tensor features) { features_ = std::move(features); }

  /// Collective over the team. Fills the gradient buffer with that of the mean loss over the rows of `step` (from 0);
  /// returns the loss.
  double gradients_of(std::int64_t step);

  /// Micro-batches so far, by which dropout draws; tokens that went through the base so far.
  struct Count {
    std::uint32_t micro_batches = 0;
    std::int64_t tokens = 0;
  };
  const Count& count() const { return count_; }
  void go_on_from(const Count& count) { count_ = count; }

 private:
  std::vector<std::int64_t> rows_of(std::int64_t step);
  double gradients_of_shard(const std::vector<std::int64_t>& rows, std::int64_t shard);
  std::vector<std::int64_t> shard_of_micro_batch(std::span<const std::int64_t> positions, std::int64_t shard) const;
  std::int64_t tokens_of(std::int64_t position) const;
  double add_up_shards(const std::vector<std::int64_t>& rows, std::int64_t step);
  /// What they count together in a mean.
  double weight_of(std::span<const std::int64_t> positions) const;
  at::Tensor loss_of(std::span<const std::int64_t> positions, std::uint32_t micro_batch);

  const TrialSpec& spec_;
  Model& model_;
  FlatParameters& parameters_;
  const Team& team_;
  const std::vector<std::int64_t>& train_;
  std::int64_t per_epoch_, total_;
  Count count_;
  std::vector<std::int64_t> order_;
  std::int64_t order_epoch_ = -1;
  at::Tensor features_;     // undefined: rows go through the base
  std::vector<float> sum_;  // of the shards so far: gradients of the segments, one after the other, then the loss
};

}  // namespace peftgrid::worker
