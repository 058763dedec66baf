#include "worker/evaluation.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kEvaluationTokens = 768;

std::vector<double> decide(const at::Tensor& logits, bool regression) {
  const at::Tensor decided = (regression ? logits.squeeze(1) : at::argmax(logits, 1)).to(at::kDouble).contiguous();
  const double* first = decided.const_data_ptr<double>();
  return {first, first + decided.numel()};
}

}  // namespace

std::vector<std::vector<std::int64_t>> evaluation_groups(const TokenizedSplit& split,
                                                         std::span<const std::int64_t> rows, std::int64_t prompt) {
  std::vector<std::int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](std::int64_t at) {
    return static_cast<std::int64_t>(split.ids(rows[static_cast<std::size_t>(at)]).size());
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return length(a) < length(b); });
  std::vector<std::vector<std::int64_t>> groups;
  std::int64_t tokens = 0;
  for (const std::int64_t at : order) {
    const std::int64_t needs = length(at) + prompt;
    if (groups.empty() || tokens + needs > kEvaluationTokens) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(at);
    tokens += needs;
  }
  return groups;
}

at::Tensor represent(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                     const Breath& breathe) {
  at::Tensor all;
  for (const auto& group : evaluation_groups(split, rows, model.prompt_length())) {
    breathe();
    std::vector<std::int64_t> taken;
    for (const std::int64_t at : group) taken.push_back(rows[static_cast<std::size_t>(at)]);
    const at::Tensor some = model.representation(split, taken);
    if (!all.defined()) all = at::empty({static_cast<std::int64_t>(rows.size()), some.size(1)}, some.options());
    for (std::size_t i = 0; i < group.size(); ++i)
      all.select(0, group[i]).copy_(some.select(0, static_cast<std::int64_t>(i)));
  }
  return all;
}

std::vector<double> predict(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& fixed, const Breath& breathe) {
  const at::NoGradGuard no_gradient;
  if (fixed.defined()) return decide(model.head_logits(fixed, rows, false, 0), model.regression());
  std::vector<double> all(rows.size());
  for (const auto& group : evaluation_groups(split, rows, model.prompt_length())) {
    breathe();
    std::vector<std::int64_t> taken;
    for (const std::int64_t at : group) taken.push_back(rows[static_cast<std::size_t>(at)]);
    const std::vector<double> some = decide(model.logits(split, taken, false, 0), model.regression());
    for (std::size_t i = 0; i < group.size(); ++i) all[static_cast<std::size_t>(group[i])] = some[i];
  }
  return all;
}

}  // namespace peftgrid::worker
