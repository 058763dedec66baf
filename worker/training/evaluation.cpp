#include "worker/training/evaluation.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <numeric>

#include "worker/service/device.hpp"

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
    const auto own = static_cast<std::int64_t>(split.ids(rows[static_cast<std::size_t>(at)]).size());
    return std::max(own, model.method_facts().padded_to);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return length(a) < length(b); });
  std::vector<std::vector<std::int64_t>> groups;
  std::int64_t tokens = 0;
  for (const std::int64_t at : order) {
    const std::int64_t row = rows[static_cast<std::size_t>(at)];
    const std::int64_t sequences = split.first_sequence(row + 1) - split.first_sequence(row);
    const std::int64_t needs = length(at) + sequences * model.method_facts().prompt;
    if (groups.empty() || tokens + needs > most_tokens(model)) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(at);
    tokens += needs;
  }
  return groups;
}

/// The rows at the places that a group names.
std::vector<std::int64_t> rows_of(const std::vector<std::int64_t>& group, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> taken;
  for (const std::int64_t at : group) taken.push_back(rows[static_cast<std::size_t>(at)]);
  return taken;
}

/// Writes a group's lines to theirs of `all`, which are as wide.
void place_lines(const at::Tensor& some, const std::vector<std::int64_t>& group, float* all) {
  const at::Tensor here = some.cpu().contiguous();
  const std::int64_t width = here.size(1);
  const float* line = here.const_data_ptr<float>();
  for (const std::int64_t at : group) {
    std::copy_n(line, width, all + at * width);
    line += width;
  }
}

/// Writes what the head reads of a group's rows to their lines of `all` [rows, width].
void represent_group(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                     const std::vector<std::int64_t>& group, float* all) {
  place_lines(model.features(split, rows_of(group, rows)), group, all);
}

/// Collective over the team.
std::vector<double> decided(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& features, const Team& team, const CheckCancelled& check_cancelled,
                            at::Tensor* kept_logits) {
  const at::NoGradGuard no_gradient;
  if (features.defined()) {
    const at::Tensor logits = model.scores({split, rows, features});
    if (kept_logits != nullptr) *kept_logits = logits.cpu();
    return model.objective().decide(logits);
  }
  const auto all_rows = static_cast<std::int64_t>(rows.size());
  if (kept_logits != nullptr) *kept_logits = at::full({all_rows, model.outputs()}, Team::kNothing, at::kFloat);
  std::vector<float> all(rows.size(), Team::kNothing);  // what is decided is a float without loss
  const auto groups = groups_of(model, split, rows);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!team.takes(static_cast<std::int64_t>(g))) continue;
    check_cancelled();
    const at::Tensor logits = model.scores({split, rows_of(groups[g], rows)});
    const std::vector<double> some = model.objective().decide(logits);
    for (std::size_t i = 0; i < some.size(); ++i)
      all[static_cast<std::size_t>(groups[g][i])] = static_cast<float>(some[i]);
    if (kept_logits != nullptr) place_lines(logits, groups[g], kept_logits->mutable_data_ptr<float>());
  }
  team.sum(all, "predictions");
  if (kept_logits != nullptr)
    team.sum({kept_logits->mutable_data_ptr<float>(), static_cast<std::size_t>(kept_logits->numel())}, "logits");
  return {all.begin(), all.end()};
}

}  // namespace

at::Tensor represent(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows, const Team& team,
                     const CheckCancelled& check_cancelled) {
  at::Tensor all = at::full({static_cast<std::int64_t>(rows.size()), model.width()}, Team::kNothing, at::kFloat);
  const auto groups = groups_of(model, split, rows);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!team.takes(static_cast<std::int64_t>(g))) continue;
    check_cancelled();
    represent_group(model, split, rows, groups[g], all.mutable_data_ptr<float>());
  }
  team.sum({all.mutable_data_ptr<float>(), static_cast<std::size_t>(all.numel())}, "representations");
  return all;
}

FeatureMemo::Features represent_with_node(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                                          const MakeBoard& make_board, const CheckCancelled& check_cancelled) {
  const double begin = spent_s(model.device());
  const auto groups = groups_of(model, split, rows);
  const std::shared_ptr<FeatureBoard> board = make_board(groups.size());
  if (!board) return {represent(model, split, rows, Team(), check_cancelled), spent_s(model.device()) - begin};
  const auto make = [&](std::size_t g) {
    check_cancelled();
    const double from = spent_s(model.device());
    represent_group(model, split, rows, groups[g], board->numbers());
    board->finish(g, spent_s(model.device()) - from);
  };
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (board->claim(g)) make(g);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!board->is_finished(g)) make(g);
  }
  const at::Tensor all =
      at::from_blob(board->numbers(), {static_cast<std::int64_t>(rows.size()), model.width()}, [board](void*) {});
  return {all, board->seconds()};
}

std::vector<double> predict(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& features, const Team& team, const CheckCancelled& check_cancelled,
                            at::Tensor* logits) {
  std::vector<double> predictions = decided(model, split, rows, features, team, check_cancelled, logits);
  for (double& prediction : predictions) prediction = model.objective().prediction_of(prediction);
  return predictions;
}

}  // namespace peftgrid::worker
