#include "worker/training/steps.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <functional>

#include "worker/tasks/sampling.hpp"
#include "worker/training/trial_rows.hpp"

namespace peftgrid::worker {

Steps::Steps(const TrialSpec& spec, Model& model, FlatParameters& parameters, const std::vector<std::int64_t>& train,
             const Team& team)
    : spec_(spec), model_(model), parameters_(parameters), team_(team), train_(train) {
  const auto rows = static_cast<std::int64_t>(train.size());
  per_epoch_ = spec.training.steps_an_epoch(rows);
  total_ = spec.training.steps(rows);
}

/// Positions (in train_) of the rows of a step: epoch by epoch, each in an order of its own; the last step of
/// an epoch may be short.
Rows Steps::rows_of(std::int64_t step) {
  const std::int64_t epoch = step / per_epoch_, within = step % per_epoch_;
  if (epoch != order_epoch_) {
    order_ = permutation(stream(spec_.seed, Purpose::Order), static_cast<std::int64_t>(train_.size()),
                         static_cast<std::uint32_t>(epoch));
    order_epoch_ = epoch;
  }
  const auto begin = order_.begin() + within * spec_.training.rows_a_step();
  const auto left = order_.end() - begin;
  return {begin, begin + std::min(left, spec_.training.rows_a_step())};
}

double Steps::gradients_of(std::int64_t step) {
  const Rows rows = rows_of(step);
  double loss = 0;
  if (spec_.width == 1) {
    parameters_.clear_gradients();
    loss = gradients_of_shard(rows, 0);
  } else {
    loss = add_up_shards(rows, step);
  }
  const auto size = static_cast<std::size_t>(spec_.training.batch_size);
  count_.micro_batches += static_cast<std::uint32_t>((rows.size() + size - 1) / size);
  if (!features_.defined()) {
    for (const std::int64_t position : rows) count_.tokens += tokens_of(position);
  }
  return loss;
}

/// Each rank computes one shard a round, and the first one brings the sum of the rounds before.
double Steps::add_up_shards(const Rows& rows, std::int64_t step) {
  for (std::int64_t first = 0; first < spec_.width; first += team_.size()) {
    const std::int64_t shard = first + team_.rank();
    parameters_.clear_gradients();
    const double loss = shard < spec_.width ? gradients_of_shard(rows, shard) : 0;
    std::vector<float> mine;
    mine.reserve(sum_.size());
    if (shard < spec_.width) {
      const at::Tensor host = parameters_.gradients().cpu();
      const float* gradients = host.const_data_ptr<float>();
      for (const FlatParameters::Segment& s : parameters_.segments())
        mine.insert(mine.end(), gradients + s.begin, gradients + s.begin + s.count);
      mine.push_back(static_cast<float>(loss));
      if (first > 0 && team_.leads()) std::ranges::transform(sum_, mine, mine.begin(), std::plus<>());
    } else {
      mine.assign(sum_.size(), Team::kNothing);
    }
    sum_ = std::move(mine);
    team_.sum(sum_, "step " + std::to_string(step + 1));
  }
  at::Tensor host = parameters_.gradients().cpu();
  float* gradients = host.mutable_data_ptr<float>();
  const float* next = sum_.data();
  for (const FlatParameters::Segment& s : parameters_.segments()) {
    std::copy_n(next, s.count, gradients + s.begin);
    next += s.count;
  }
  if (!parameters_.gradients().is_cpu()) parameters_.gradients().copy_(host);
  return static_cast<double>(*next);
}

/// Adds to the gradient buffer that of the shard's rows of each micro-batch; returns their part of the loss.
double Steps::gradients_of_shard(const Rows& rows, std::int64_t shard) {
  const std::int64_t size = spec_.training.batch_size, all = static_cast<std::int64_t>(rows.size());
  const double whole = weight_of(rows);
  double sum = 0;
  std::uint32_t micro_batch = count_.micro_batches;
  for (std::int64_t begin = 0; begin < all; begin += size, ++micro_batch) {
    const std::int64_t count = std::min(size, all - begin);
    const Rows mine = shard_of_micro_batch({rows.data() + begin, static_cast<std::size_t>(count)}, shard);
    // A short micro-batch may leave a shard without rows; what the method adds to the loss is the first shard's.
    at::Tensor loss;
    if (!mine.empty()) {
      const double share = weight_of(mine) / whole;
      const at::Tensor mean = loss_of(mine, micro_batch);
      loss = share == 1.0 ? mean : mean * share;
    }
    if (const at::Tensor penalty = shard == 0 ? model_.penalty() : at::Tensor(); penalty.defined()) {
      const at::Tensor part = penalty * (static_cast<double>(count) / static_cast<double>(all));
      loss = loss.defined() ? loss + part : part;
    }
    if (!loss.defined()) continue;
    loss.backward();
    sum += loss.item<double>();
  }
  return sum;
}

/// The longest row first, each to the shard with the fewest tokens so far: the ranks wait for the slowest of them.
Rows Steps::shard_of_micro_batch(std::span<const std::int64_t> positions, std::int64_t shard) const {
  Rows longest_first(positions.begin(), positions.end());
  if (spec_.width == 1) return longest_first;
  std::ranges::stable_sort(longest_first, std::greater<>(), [&](std::int64_t position) { return tokens_of(position); });
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(spec_.width));
  Rows mine;
  for (const std::int64_t position : longest_first) {
    const auto least = std::ranges::min_element(tokens);
    *least += tokens_of(position);
    if (least - tokens.begin() == shard) mine.push_back(position);
  }
  return mine;
}

std::int64_t Steps::tokens_of(std::int64_t position) const {
  return static_cast<std::int64_t>(model_.data()->train().ids(train_[static_cast<std::size_t>(position)]).size());
}

double Steps::weight_of(std::span<const std::int64_t> positions) const {
  double sum = 0;
  for (const std::int64_t at : positions)
    sum += model_.objective().weight(model_.data()->train().label(train_[static_cast<std::size_t>(at)]));
  return sum;
}

at::Tensor Steps::loss_of(std::span<const std::int64_t> positions, std::uint32_t micro_batch) {
  Rows rows;
  for (const std::int64_t at : positions) rows.push_back(train_[static_cast<std::size_t>(at)]);
  at::Tensor features;
  if (features_.defined()) {
    at::Tensor index = at::empty({static_cast<std::int64_t>(positions.size())}, at::kLong);
    std::copy(positions.begin(), positions.end(), index.mutable_data_ptr<std::int64_t>());
    features = at::index_select(features_, 0, index);
  }
  return model_.loss({model_.data()->train(), rows, features}, micro_batch);
}

}  // namespace peftgrid::worker
