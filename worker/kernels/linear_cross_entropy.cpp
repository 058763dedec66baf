// The loss of language models over the lines that are scored, in chunks. See functions.cpp on custom_function.h.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/functions.hpp"
#include "worker/kernels/optional_tensor.hpp"
#include "worker/kernels/products.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// 64 lines run at 100 GFLOP/s, 256 at 121, and take four times the memory.
constexpr std::int64_t kChunk = 128;

/// Scores of some lines by both tables, then their slopes.
struct Scores {
  Tensor table, inserted;
};

Tensor times_rows(const Tensor& x, const Tensor& table) {
  if (!x.is_cpu()) return at::mm(x.to(table.scalar_type()), table.t()).to(at::kFloat);
  return table.scalar_type() == at::kBFloat16 ? bf16_product(x, table, std::nullopt) : product(x, table, std::nullopt);
}

Tensor by_columns(const Tensor& slopes, const Tensor& table) {
  if (!slopes.is_cpu()) return at::mm(slopes.to(table.scalar_type()), table).to(at::kFloat);
  return table.scalar_type() == at::kBFloat16 ? bf16_product(slopes, table.t(), std::nullopt)
                                              : input_gradient(slopes, table);
}

Scores scores_of(const Tensor& x, const Vocabulary& vocabulary) {
  return {times_rows(x, vocabulary.table),
          vocabulary.inserted.defined() ? at::mm(x, vocabulary.inserted.t()) : Tensor()};
}

/// As kernels::Table::softmax_lines, by LibTorch's operators.
void softmax_elsewhere(Scores& scores, const Tensor& targets, const Tensor& losses) {
  const std::int64_t count = scores.table.size(1);
  const Tensor all = scores.inserted.defined() ? at::cat({scores.table, scores.inserted}, 1) : scores.table;
  Tensor slopes = at::log_softmax(all, 1);
  const Tensor target = targets.unsqueeze(1);
  losses.copy_(-slopes.gather(1, target).squeeze(1));
  slopes.exp_().scatter_add_(1, target, -at::ones_like(target, slopes.options()));
  scores.table = slopes.narrow(1, 0, count);
  if (scores.inserted.defined()) scores.inserted = slopes.narrow(1, count, slopes.size(1) - count);
}

/// The lines' negative log-probabilities to `losses`; the scores become slopes where they are wanted.
void softmax(Scores& scores, const Tensor& targets, const Tensor& losses, bool to_slopes) {
  if (!scores.table.is_cpu()) return softmax_elsewhere(scores, targets, losses);
  const std::int64_t others = scores.inserted.defined() ? scores.inserted.size(1) : 0;
  kernels::table().softmax_lines({scores.table.size(0), scores.table.size(1), others},
                                 scores.table.mutable_data_ptr<float>(), mutable_or_null(scores.inserted),
                                 targets.const_data_ptr<std::int64_t>(), losses.mutable_data_ptr<float>(), to_slopes);
}

/// Adds to a leaf's gradient where it gathers.
void gather(const Tensor& table, const Tensor& slopes, const Tensor& x) {
  if (!table.grad().defined()) table.mutable_grad() = at::zeros_like(table);
  if (x.is_cpu()) return add_weight_gradient(slopes, x, table.grad());
  table.grad().addmm_(slopes.t(), x);
}

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  /// What trains of the tables is met in backward alone, where the lines' factors are known; its scores are made again.
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& table,
                        const std::optional<Tensor>& inserted, const Tensor& targets) {
    const Vocabulary vocabulary{table, inserted.value_or(Tensor())};
    const bool tables_train =
        table.requires_grad() || (vocabulary.inserted.defined() && vocabulary.inserted.requires_grad());
    const bool keeps_slopes = x.requires_grad() && !tables_train;
    const std::int64_t lines = x.size(0);
    Tensor losses = at::empty({lines}, x.options()), slopes;
    if (keeps_slopes) slopes = at::empty({lines, x.size(1)}, x.options());
    for (std::int64_t begin = 0; begin < lines; begin += kChunk) {
      const std::int64_t count = std::min(kChunk, lines - begin);
      Scores scores = scores_of(x.narrow(0, begin, count), vocabulary);
      softmax(scores, targets.narrow(0, begin, count), losses.narrow(0, begin, count), keeps_slopes);
      if (keeps_slopes) slopes.narrow(0, begin, count).copy_(on_lines(scores, vocabulary));
    }
    context->saved_data["table"] = table;
    context->save_for_backward({tables_train ? x : Tensor(), vocabulary.inserted, targets, slopes});
    return losses;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &slopes = saved[3], factors = gradients[0].unsqueeze(1);
    if (slopes.defined()) return {slopes * factors, {}, {}, {}};
    if (!x.defined()) return {{}, {}, {}, {}};
    return {again(x, {context->saved_data["table"].toTensor(), saved[1]}, saved[2], factors), {}, {}, {}};
  }

 private:
  static Tensor on_lines(const Scores& slopes, const Vocabulary& vocabulary) {
    const Tensor found = by_columns(slopes.table, vocabulary.table);
    return vocabulary.inserted.defined() ? found.addmm(slopes.inserted, vocabulary.inserted) : found;
  }

  /// The gradient on x; those on tables that train are added to theirs.
  static Tensor again(const Tensor& x, const Vocabulary& vocabulary, const Tensor& targets, const Tensor& factors) {
    Tensor on_x = at::empty(x.sizes(), x.options()), losses = at::empty({kChunk}, x.options());
    for (std::int64_t begin = 0; begin < x.size(0); begin += kChunk) {
      const std::int64_t count = std::min(kChunk, x.size(0) - begin);
      const Tensor lines = x.narrow(0, begin, count), factor = factors.narrow(0, begin, count);
      Scores slopes = scores_of(lines, vocabulary);
      softmax(slopes, targets.narrow(0, begin, count), losses.narrow(0, 0, count), true);
      slopes.table.mul_(factor);
      if (slopes.inserted.defined()) slopes.inserted.mul_(factor);
      on_x.narrow(0, begin, count).copy_(on_lines(slopes, vocabulary));
      if (vocabulary.table.requires_grad()) gather(vocabulary.table, slopes.table, lines);
      if (vocabulary.inserted.defined() && vocabulary.inserted.requires_grad())
        gather(vocabulary.inserted, slopes.inserted, lines);
    }
    return on_x;
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Vocabulary& vocabulary, const Tensor& targets) {
  return LinearCrossEntropy::apply(x.contiguous(), vocabulary.table, given(vocabulary.inserted), targets);
}

}  // namespace peftgrid::worker
