#include "worker/evaluation.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <numeric>

namespace peftgrid::worker {

namespace {

/// Tokens of a group: what the CPU's caches hold, what keeps a larger device busy.
std::int64_t most_tokens(const Model& model) {
  return model.device().is_cpu() ? 768 : 8192;
}

/// Rows in groups that are run together: like lengths side by side, at most most_tokens a group where a row is not
/// longer alone. Only the rows, the prompt's length and the device's type enter, so that a trial's numbers are the same
/// wherever it runs.
std::vector<std::vector<std::int64_t>> groups_of(const Model& model, const TokenizedSplit& split,
                                                 std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](std::int64_t at) {
    return static_cast<std::int64_t>(split.ids(rows[static_cast<std::size_t>(at)]).size());
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return length(a) < length(b); });
  std::vector<std::vector<std::int64_t>> groups;
  std::int64_t tokens = 0;
  for (const std::int64_t at : order) {
    const std::int64_t needs = length(at) + model.prompt_length();
    if (groups.empty() || tokens + needs > most_tokens(model)) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(at);
    tokens += needs;
  }
  return groups;
}

std::vector<double> decide(const at::Tensor& logits, bool regression) {
  const at::Tensor decided =
      (regression ? logits.squeeze(1) : at::argmax(logits, 1)).cpu().to(at::kDouble).contiguous();
  const double* first = decided.const_data_ptr<double>();
  return {first, first + decided.numel()};
}

/// The rows at the places that a group names.
std::vector<std::int64_t> rows_of(const std::vector<std::int64_t>& group, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> taken;
  for (const std::int64_t at : group) taken.push_back(rows[static_cast<std::size_t>(at)]);
  return taken;
}

}  // namespace

at::Tensor represent(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows, const Team& team,
                     const Breath& breathe) {
  at::Tensor all = at::full({static_cast<std::int64_t>(rows.size()), model.width()}, Team::kNothing, at::kFloat);
  const auto groups = groups_of(model, split, rows);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!team.takes(static_cast<std::int64_t>(g))) continue;
    breathe();
    const at::Tensor some = model.representation(split, rows_of(groups[g], rows)).cpu();
    for (std::size_t i = 0; i < groups[g].size(); ++i)
      all.select(0, groups[g][i]).copy_(some.select(0, static_cast<std::int64_t>(i)));
  }
  team.sum({all.mutable_data_ptr<float>(), static_cast<std::size_t>(all.numel())}, "representations");
  return all;
}

std::vector<double> predict(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& fixed, const Team& team, const Breath& breathe) {
  const at::NoGradGuard no_gradient;
  if (fixed.defined()) return decide(model.head_logits(fixed, rows, false, 0), model.regression());
  std::vector<float> all(rows.size(), Team::kNothing);  // classes and values are floats without loss
  const auto groups = groups_of(model, split, rows);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!team.takes(static_cast<std::int64_t>(g))) continue;
    breathe();
    const at::Tensor logits = model.logits(split, rows_of(groups[g], rows), false, 0);
    const std::vector<double> some = decide(logits, model.regression());
    for (std::size_t i = 0; i < some.size(); ++i)
      all[static_cast<std::size_t>(groups[g][i])] = static_cast<float>(some[i]);
  }
  team.sum(all, "predictions");
  return {all.begin(), all.end()};
}

}  // namespace peftgrid::worker
