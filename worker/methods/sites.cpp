#include "worker/methods/sites.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>

#include <algorithm>

#include "worker/kernels/index_tensor.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// Padding tokens behind the last trial's go with it, so that slices cover everything.
std::shared_ptr<const TokenOwners> part_of(const std::shared_ptr<const TokenOwners>& all, std::int64_t begin,
                                           std::int64_t count) {
  if (begin == 0 && count == static_cast<std::int64_t>(all->example.size())) return all;
  auto part = std::make_shared<TokenOwners>();
  const auto cut = [&](const std::vector<std::uint32_t>& whole) {
    return std::vector<std::uint32_t>(whole.begin() + begin, whole.begin() + begin + count);
  };
  part->example = cut(all->example);
  part->position = cut(all->position);
  return part;
}

std::shared_ptr<const std::vector<std::int32_t>> offsets_of(const Batch& batch, std::int64_t row, std::int64_t rows,
                                                            std::int64_t token) {
  if (token == 0 && rows == batch.rows) return batch.offsets;
  auto part = std::make_shared<std::vector<std::int32_t>>();
  for (std::int64_t r = row; r <= row + rows; ++r) {
    part->push_back((*batch.offsets)[static_cast<std::size_t>(r)] - static_cast<std::int32_t>(token));
  }
  return part;
}

Tensor slots_of(const Batch& batch, std::int64_t row, std::int64_t rows) {
  std::vector<std::int64_t> slots;
  for (std::int64_t r = row; r < row + rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    for (std::int32_t p = 0; p < batch.prompts[at]; ++p) slots.push_back((*batch.offsets)[at] + p);
  }
  return slots.empty() ? Tensor() : index_tensor(slots, batch.device);
}

/// The tokens of some rows, counted from `token` on: their own, or padding as well where rows are padded.
RowLines lines_of(const Batch& batch, std::int64_t row, std::int64_t rows, std::int64_t token) {
  if (rows == batch.rows && !batch.keys) return batch.own;
  std::vector<std::int64_t> line, whose;
  std::vector<float> share;
  for (std::int64_t r = row; r < row + rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    const std::int64_t begin = (*batch.offsets)[at] + batch.prompts[at], end = (*batch.offsets)[at + 1];
    for (std::int64_t t = begin; t < end; ++t) {
      line.push_back(t - token);
      whose.push_back(r - row);
      share.push_back(1.0F / static_cast<float>(end - begin));
    }
  }
  const Tensor shares = at::empty({static_cast<std::int64_t>(share.size()), 1}, at::kFloat);
  std::ranges::copy(share, shares.mutable_data_ptr<float>());
  return {index_tensor(line, batch.device), index_tensor(whose, batch.device), shares.to(batch.device), rows};
}

/// Of some rows, how many of their tokens are keys.
std::shared_ptr<const std::vector<std::int32_t>> keys_of(const Batch& batch, std::int64_t row, std::int64_t rows) {
  if (!batch.keys || rows == batch.rows) return batch.keys;
  return std::make_shared<const std::vector<std::int32_t>>(batch.keys->begin() + row, batch.keys->begin() + row + rows);
}

std::shared_ptr<const RowTable> table_of(const Batch& batch, std::int64_t row, std::int64_t rows, std::int64_t token,
                                         std::int64_t tokens, bool whole_rows) {
  auto table = std::make_shared<RowTable>();
  for (std::int64_t r = row; r < row + rows; ++r) {
    const std::int32_t first = (*batch.offsets)[static_cast<std::size_t>(r)];
    table->example.push_back(batch.owners->example[static_cast<std::size_t>(first)]);
  }
  if (!whole_rows) return table;
  table->own = lines_of(batch, row, rows, token);
  std::vector<std::int64_t> row_of_line(static_cast<std::size_t>(tokens));
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto at = static_cast<std::size_t>(row + r);
    std::fill(row_of_line.begin() + (*batch.offsets)[at] - token,
              row_of_line.begin() + (*batch.offsets)[at + 1] - token, r);
  }
  table->row_of_line = index_tensor(row_of_line, batch.device);
  return table;
}

}  // namespace

Sites::Sites(const std::vector<TrialInBatch>& trials, const Batch& batch) {
  for (std::size_t i = 0; i < trials.size(); ++i) {
    Rows rows;
    rows.method = trials[i].method;
    rows.whole_rows = trials[i].whole_rows;
    rows.row = batch.row_begin[i];
    rows.rows = batch.row_begin[i + 1] - rows.row;
    rows.line = rows.token = batch.token_begin[i];
    rows.lines = rows.tokens = (i + 1 == trials.size() ? batch.tokens : batch.token_begin[i + 1]) - rows.token;
    rows.owners = part_of(batch.owners, rows.token, rows.tokens);
    rows.offsets = offsets_of(batch, rows.row, rows.rows, rows.token);
    rows.keys = keys_of(batch, rows.row, rows.rows);
    rows.prompt_slots = slots_of(batch, rows.row, rows.rows);
    rows.inserted = trials[i].inserted;
    if (rows.inserted.defined()) {
      std::vector<std::int64_t> slots, which;
      for (std::size_t at = 0; at < batch.inserted.size(); ++at) {
        if (batch.inserted[at] < rows.token || batch.inserted[at] >= rows.token + rows.tokens) continue;
        slots.push_back(batch.inserted[at]);
        which.push_back(batch.inserted_which[at]);
      }
      rows.inserted_slots = index_tensor(slots, batch.device);
      rows.inserted_which = index_tensor(which, batch.device);
    }
    rows.pass.training = trials[i].training;
    rows.pass.seed = trials[i].seed;
    rows.pass.step = trials[i].step;
    rows.pass.owners = rows.owners;
    rows.table = rows.pass.rows = table_of(batch, rows.row, rows.rows, rows.token, rows.tokens, rows.whole_rows);
    rows.method->begin(rows.pass);
    rows_.push_back(std::move(rows));
  }
}

bool Sites::may_narrow() const {
  return std::ranges::none_of(rows_, &Rows::whole_rows);
}

Sites Sites::narrowed(const ReadTokens& read) const {
  std::vector<Rows> all = rows_;
  const auto count = static_cast<std::int64_t>(read.owners->example.size());
  for (Rows& r : all) {
    r.line = r.row;
    r.lines = (&r == &all.back() ? count : r.row + r.rows) - r.row;
    r.pass.owners = part_of(read.owners, r.line, r.lines);
    r.pass.rows = nullptr;
    r.query = std::make_shared<const std::vector<std::int32_t>>(read.position->begin() + r.row,
                                                                read.position->begin() + r.row + r.rows);
  }
  return Sites(std::move(all), read.index);
}

Tensor Sites::lines(const Tensor& x) const {
  return index_.defined() ? at::index_select(x, 0, index_) : x;
}

Tensor Sites::at(const SiteCall& all) const {
  if (rows_.size() == 1) {
    const Tensor add = rows_[0].method->delta(all, rows_[0].pass);
    return add.defined() ? all.y + add : all.y;
  }
  std::vector<Tensor> parts;
  bool touched = false;
  for (const Rows& r : rows_) {
    const auto part = [&](const Tensor& t) {
      return per_row(all.site) ? t.narrow(0, r.row, r.rows) : t.narrow(0, r.line, r.lines);
    };
    const SiteCall mine{all.site,
                        all.layer,
                        part(all.x),
                        part(all.y),
                        [&] { return part(all.joined()); },
                        all.residual.defined() ? part(all.residual) : Tensor(),
                        [&] { return part(all.normalised()); }};
    const Tensor add = r.method->delta(mine, r.pass);
    touched |= add.defined();
    parts.push_back(add.defined() ? mine.y + add : mine.y);
  }
  return touched ? at::cat(parts) : all.y;
}

Tensor Sites::dropout(const Tensor& x, double rate, Purpose purpose, std::int64_t layer) const {
  std::vector<Tensor> parts;
  for (const Rows& r : rows_) {
    const Tensor mine = rows_.size() == 1 ? x : x.narrow(0, r.line, r.lines);
    const Key key = stream(r.pass.seed, purpose, static_cast<std::uint32_t>(layer));
    parts.push_back(r.pass.training ? worker::dropout(mine, rate, key, r.pass.step, *r.pass.owners) : mine);
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

Tensor Sites::attention(std::int64_t layer, const Tensor& x, const Tensor& q, const Tensor& k, const Tensor& v,
                        const Geometry& geometry, double rate) const {
  std::vector<Tensor> parts;
  for (const Rows& r : rows_) {
    const auto part = [&](const Tensor& t) { return rows_.size() == 1 ? t : t.narrow(0, r.token, r.tokens); };
    Pass all = r.pass;
    all.owners = r.owners;
    all.rows = r.table;
    const KeysValues extra = r.method->extra_kv(layer, part(x), all);
    AttentionCall call;
    call.heads = geometry.heads;
    call.kv_heads = geometry.kv_heads;
    call.causal = geometry.causal;
    call.dropout = r.pass.training ? rate : 0;
    call.key = stream(r.pass.seed, Purpose::AttentionDropout, static_cast<std::uint32_t>(layer));
    call.step = r.pass.step;
    call.offsets = r.offsets;
    call.query = r.query;
    call.keys = r.keys;
    call.owners = r.owners;
    const Tensor asking = rows_.size() == 1 ? q : q.narrow(0, r.line, r.lines);
    parts.push_back(worker::attention(asking, part(k), part(v), extra.k, extra.v, call));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

Tensor Sites::with_prompts(const Tensor& words) const {
  Tensor filled = words;
  for (const Rows& r : rows_) {
    if (r.prompt_slots.defined())
      filled = at::index_copy(filled, 0, r.prompt_slots, r.method->prompt().repeat({r.rows, 1}));
    if (!r.inserted.defined()) continue;
    // By a product, whose gradient adds in one order on every device.
    const Tensor chosen = at::one_hot(r.inserted_which, r.inserted.size(0)).to(at::kFloat);
    filled = at::index_copy(filled, 0, r.inserted_slots, at::mm(chosen, r.inserted));
  }
  return filled;
}

}  // namespace peftgrid::worker
