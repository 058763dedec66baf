#include "worker/steps.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "worker/tasks/sampling.hpp"

namespace peftgrid::worker {

namespace {

using Rows = std::vector<std::int64_t>;

}  // namespace

Steps::Steps(const TrialSpec& spec, Model& model, FlatParameters& parameters, const std::vector<std::int64_t>& train)
    : spec_(spec), model_(model), parameters_(parameters), train_(train) {
  const std::int64_t rows_a_step = spec.training.batch_size * spec.training.accumulate;
  per_epoch_ = (static_cast<std::int64_t>(train.size()) + rows_a_step - 1) / rows_a_step;
  total_ = spec.training.max_steps > 0 ? spec.training.max_steps : spec.training.epochs * per_epoch_;
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
  const std::int64_t rows_a_step = spec_.training.batch_size * spec_.training.accumulate;
  const auto begin = order_.begin() + within * rows_a_step;
  const auto left = order_.end() - begin;
  return {begin, begin + std::min(left, rows_a_step)};
}

double Steps::gradients_of(std::int64_t step) {
  parameters_.clear_gradients();
  const Rows rows = rows_of(step);
  const auto size = static_cast<std::size_t>(spec_.training.batch_size);
  double sum = 0;
  for (std::size_t begin = 0; begin < rows.size(); begin += size) {
    const std::span<const std::int64_t> micro(rows.data() + begin, std::min(size, rows.size() - begin));
    const double share = static_cast<double>(micro.size()) / static_cast<double>(rows.size());
    at::Tensor loss = loss_of(logits_of(micro), labels_of(micro), model_.regression(), share);
    if (const at::Tensor penalty = model_.penalty(); penalty.defined()) loss = loss + penalty * share;
    loss.backward();
    sum += loss.item<double>();
    ++count_.micro_batches;
  }
  return sum;
}

at::Tensor Steps::logits_of(std::span<const std::int64_t> positions) {
  const TokenizedSplit& train = model_.data()->train();
  Rows rows;
  for (const std::int64_t at : positions) rows.push_back(train_[static_cast<std::size_t>(at)]);
  if (fixed_.defined()) {
    at::Tensor index = at::empty({static_cast<std::int64_t>(positions.size())}, at::kLong);
    std::copy(positions.begin(), positions.end(), index.mutable_data_ptr<std::int64_t>());
    return model_.head_logits(at::index_select(fixed_, 0, index), rows, true, count_.micro_batches);
  }
  for (const std::int64_t row : rows) count_.tokens += static_cast<std::int64_t>(train.ids(row).size());
  return model_.logits(train, rows, true, count_.micro_batches);
}

at::Tensor Steps::labels_of(std::span<const std::int64_t> positions) const {
  const bool regression = spec_.task.kind == "regression";
  at::Tensor labels = at::empty({static_cast<std::int64_t>(positions.size())}, regression ? at::kFloat : at::kLong);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const double label = model_.data()->train().label(train_[static_cast<std::size_t>(positions[i])]);
    if (regression) {
      labels.mutable_data_ptr<float>()[i] = static_cast<float>(label);
    } else {
      labels.mutable_data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(label);
    }
  }
  return labels;
}

}  // namespace peftgrid::worker
