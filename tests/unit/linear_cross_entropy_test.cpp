// The vocabulary's loss beside LibTorch's own on a whole tensor of scores, in double precision.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/test_tensors.hpp"
#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/functions.hpp"

namespace peftgrid::tests {
namespace {

using at::Tensor;

constexpr std::int64_t kLines = 301, kWidth = 23, kWords = 1037;  // three chunks, the last one short

/// What a test asks: which tensors train, and whether tokens are inserted.
struct Asked {
  bool table = false, inserted = false, inserted_trains = false;
};

struct Inputs {
  Tensor x, table, inserted, targets, factors;
};

Inputs inputs_of(const Asked& asked) {
  Inputs in;
  in.x = numbers(1, {kLines, kWidth}, 2).requires_grad_(true);
  in.table = numbers(2, {kWords, kWidth}, 2).requires_grad_(asked.table);
  if (asked.inserted) in.inserted = numbers(3, {3, kWidth}, 2).requires_grad_(asked.inserted_trains);
  in.targets = at::arange(kLines, at::kLong) * 7 % (asked.inserted ? kWords + 3 : kWords);
  if (asked.inserted) in.targets.narrow(0, 5, 3) = at::arange(kWords, kWords + 3, at::kLong);
  in.factors = numbers(4, {kLines});
  return in;
}

void expect_libtorchs(const Asked& asked) {
  const Inputs in = inputs_of(asked);
  const Tensor ours = worker::linear_cross_entropy(in.x, {in.table, in.inserted}, in.targets);
  const Tensor x = doubled(in.x), table = doubled(in.table),
               inserted = asked.inserted ? doubled(in.inserted) : Tensor();
  const Tensor all = asked.inserted ? at::cat({table, inserted}) : table;
  const Tensor plain = at::cross_entropy_loss(x.matmul(all.t()), in.targets, {}, 0);
  (ours * in.factors).sum().backward();
  (plain * in.factors).sum().backward();
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(in.x.grad(), x.grad()), 2e-6);
  if (asked.table) {
    EXPECT_LT(relative(in.table.grad(), table.grad()), 2e-6);
  }
  if (asked.inserted_trains) {
    EXPECT_LT(relative(in.inserted.grad(), inserted.grad()), 2e-6);
  }
}

TEST(LinearCrossEntropy, IsLibTorchsOverAFrozenTable) {
  expect_libtorchs({});
}

TEST(LinearCrossEntropy, GivesATableThatTrainsItsWholeGradient) {
  expect_libtorchs({.table = true});
}

TEST(LinearCrossEntropy, TellsInsertedTokensBehindTheVocabulary) {
  expect_libtorchs({.inserted = true});
}

TEST(LinearCrossEntropy, GivesInsertedTokensTheirGradientWhetherTheTableTrainsOrNot) {
  expect_libtorchs({.inserted = true, .inserted_trains = true});
  expect_libtorchs({.table = true, .inserted = true, .inserted_trains = true});
}

TEST(LinearCrossEntropy, AddsToTheGradientThatATableHasAlready) {
  const Inputs in = inputs_of({.table = true});
  worker::linear_cross_entropy(in.x, {in.table, {}}, in.targets).sum().backward();
  const Tensor once = in.table.grad().clone();
  worker::linear_cross_entropy(in.x, {in.table, {}}, in.targets).sum().backward();
  EXPECT_LT(relative(in.table.grad(), once * 2), 1e-6);
}

TEST(LinearCrossEntropy, OfScoresFarApartIsFiniteAndExact) {
  const Tensor x = at::full_like(numbers(1, {4, 1}), 1), table = numbers(2, {50, 1}, 1000).requires_grad_(false);
  const Tensor targets = at::arange(4, at::kLong);
  const Tensor ours = worker::linear_cross_entropy(x, {table, {}}, targets);
  const Tensor plain = at::cross_entropy_loss(x.to(at::kDouble).matmul(table.to(at::kDouble).t()), targets, {}, 0);
  EXPECT_LT(relative(ours, plain), 1e-6);
}

TEST(LinearCrossEntropy, OfATableInHalfPrecisionStaysNear) {
  const Inputs in = inputs_of({});
  const Tensor exact = worker::linear_cross_entropy(in.x, {in.table, {}}, in.targets);
  const Tensor half = worker::linear_cross_entropy(in.x, {in.table.to(at::kBFloat16), {}}, in.targets);
  half.sum().backward();
  EXPECT_LT(relative(half, exact), 1e-2);
}

TEST(LinearCrossEntropy, WithoutGradientsIsTheSame) {
  const Inputs in = inputs_of({.table = true});
  const Tensor with = worker::linear_cross_entropy(in.x, {in.table, {}}, in.targets);
  const at::NoGradGuard no_gradient;
  EXPECT_TRUE(values_of(worker::linear_cross_entropy(in.x, {in.table, {}}, in.targets)) == values_of(with));
}

TEST(SoftmaxLines, OfEveryLevelAgree) {
  constexpr std::int64_t kCount = 37;
  const std::vector<std::int64_t> targets{3, 38};
  std::vector<float> first;
  for (const worker::kernels::Table* const* at = worker::kernels::all_tables(); *at != nullptr; ++at) {
    SCOPED_TRACE((*at)->level);
    std::vector<float> scores = values_of(numbers(1, {2, kCount}, 9)), others = values_of(numbers(2, {2, 2}, 9));
    std::vector<float> all(2);
    (*at)->softmax_lines({2, kCount, 2}, scores.data(), others.data(), targets.data(), all.data(), true);
    all.insert(all.end(), scores.begin(), scores.end());
    all.insert(all.end(), others.begin(), others.end());
    if (first.empty()) first = all;
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(all[i], first[i], 3e-6F) << i;
  }
}

}  // namespace
}  // namespace peftgrid::tests
