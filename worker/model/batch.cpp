#include "worker/model/batch.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "worker/kernels/index_tensor.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kRounding =
    4;  // a primitive for each number of tokens costs 0.3 ms, a token of nobody as much as a real one

/// The columns of a batch while rows are laid down.
struct Columns {
  std::vector<std::int64_t> ids, types, positions, row_of_token, real;
  std::vector<float> share;
  std::vector<std::int32_t> offsets{0}, prompts, first, keys;
  std::vector<std::int64_t> inserted, inserted_which;
  bool padded = false;
  TokenOwners owners;

  /// `place`: of the token in its row, from which its position follows.
  void token(std::int64_t id, std::int64_t type, std::int64_t place, std::int64_t shift, std::uint32_t example) {
    if (id < 0) {
      inserted.push_back(static_cast<std::int64_t>(ids.size()));
      inserted_which.push_back(-1 - id);
    }
    ids.push_back(std::max<std::int64_t>(0, id));
    types.push_back(type);
    positions.push_back(place + shift);
    owners.example.push_back(example);
    owners.position.push_back(static_cast<std::uint32_t>(place));
  }

  void pad(const RowTokens& row, const TrialRows& trial, std::int64_t shift) {
    for (std::int64_t place = keys.back(); place < trial.padded_to; ++place) {
      token(trial.pad_token, 0, place, shift, row.example);
      if (trial.pad_position >= 0) positions.back() = trial.pad_position;
      padded = true;
    }
  }

  void row(const RowTokens& row, const TrialRows& trial, std::int64_t shift) {
    const auto index = static_cast<std::int64_t>(prompts.size());
    const auto count = static_cast<std::int64_t>(row.ids.size());
    for (std::int64_t p = 0; p < trial.prompt; ++p) token(0, 0, p, shift, row.example);
    for (std::int64_t t = 0; t < count; ++t) {
      real.push_back(static_cast<std::int64_t>(ids.size()));
      row_of_token.push_back(index);
      share.push_back(1.0F / static_cast<float>(count));
      const auto at = static_cast<std::size_t>(t);
      token(row.ids[at], row.types[at], trial.prompt + t, shift, row.example);
    }
    keys.push_back(static_cast<std::int32_t>(trial.prompt + count));
    pad(row, trial, shift);
    offsets.push_back(static_cast<std::int32_t>(ids.size()));
    prompts.push_back(static_cast<std::int32_t>(trial.prompt));
    first.push_back(trial.reads_prompt ? 0 : prompts.back());
  }
};

/// The token at `position` of each row.
ReadTokens read_tokens(const Batch& batch, std::vector<std::int32_t> position) {
  std::vector<std::int64_t> index;
  TokenOwners owners;
  for (std::size_t row = 0; row < position.size(); ++row) index.push_back((*batch.offsets)[row] + position[row]);
  while (index.size() % kRounding != 0) index.push_back(index.front());
  for (const std::int64_t token : index) {
    owners.example.push_back(batch.owners->example[static_cast<std::size_t>(token)]);
    owners.position.push_back(batch.owners->position[static_cast<std::size_t>(token)]);
  }
  return {index_tensor(index, batch.device), std::make_shared<const std::vector<std::int32_t>>(std::move(position)),
          std::make_shared<const TokenOwners>(std::move(owners))};
}

}  // namespace

ReadTokens first_tokens(const Batch& batch) {
  return read_tokens(batch, batch.first);
}

ReadTokens last_tokens(const Batch& batch) {
  std::vector<std::int32_t> position;
  for (std::size_t row = 0; row + 1 < batch.offsets->size(); ++row) {
    position.push_back((batch.keys ? (*batch.keys)[row] : (*batch.offsets)[row + 1] - (*batch.offsets)[row]) - 1);
  }
  return read_tokens(batch, std::move(position));
}

Batch pack(const std::vector<TrialRows>& trials, at::Device device, std::int64_t first_position) {
  Columns columns;
  Batch batch;
  batch.device = device;
  for (const TrialRows& trial : trials) {
    batch.row_begin.push_back(static_cast<std::int64_t>(columns.prompts.size()));
    batch.token_begin.push_back(static_cast<std::int64_t>(columns.ids.size()));
    for (const RowTokens& row : trial.rows) columns.row(row, trial, first_position + trial.shift);
  }
  batch.rows = static_cast<std::int64_t>(columns.prompts.size());
  batch.row_begin.push_back(batch.rows);
  batch.token_begin.push_back(static_cast<std::int64_t>(columns.ids.size()));
  batch.real_tokens = static_cast<std::int64_t>(columns.real.size());
  while (columns.ids.size() % kRounding != 0) columns.token(0, 0, 0, first_position, 0);
  batch.tokens = static_cast<std::int64_t>(columns.ids.size());
  batch.ids = index_tensor(columns.ids, device);
  batch.types = index_tensor(columns.types, device);
  batch.positions = index_tensor(columns.positions, device);
  batch.own.row = index_tensor(columns.row_of_token, device);
  batch.own.line = index_tensor(columns.real, device);
  batch.own.rows = batch.rows;
  const at::Tensor share = at::empty({batch.real_tokens, 1}, at::kFloat);
  std::copy(columns.share.begin(), columns.share.end(), share.mutable_data_ptr<float>());
  batch.own.share = share.to(device);
  batch.offsets = std::make_shared<const std::vector<std::int32_t>>(std::move(columns.offsets));
  batch.owners = std::make_shared<const TokenOwners>(std::move(columns.owners));
  batch.prompts = std::move(columns.prompts);
  batch.first = std::move(columns.first);
  batch.inserted = std::move(columns.inserted);
  batch.inserted_which = std::move(columns.inserted_which);
  if (columns.padded) batch.keys = std::make_shared<const std::vector<std::int32_t>>(std::move(columns.keys));
  return batch;
}

}  // namespace peftgrid::worker
