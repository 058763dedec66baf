// The operators with gradients of their own: frozen and trained linear layers, dropout, attention over packed rows.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/test_tensors.hpp"
#include "worker/kernels/cpu/tile_product.hpp"
#include "worker/kernels/functions.hpp"
#include "worker/kernels/products.hpp"

namespace peftgrid::tests {
namespace {

struct Layer {
  at::Tensor x = numbers(1, {48, 24}).requires_grad_(true), weight = numbers(2, {40, 24}), bias = numbers(3, {40});
  at::Tensor up = numbers(4, {48, 40});
};

TEST(Linear, FrozenGivesTheInputItsGradientAndTheWeightNone) {
  const Layer layer;
  const at::Tensor x = doubled(layer.x);
  const at::Tensor plain = at::linear(x, layer.weight.to(at::kDouble), layer.bias.to(at::kDouble));
  const at::Tensor ours = worker::linear(layer.x, layer.weight, layer.bias);
  ours.backward(layer.up);
  plain.backward(layer.up.to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(layer.x.grad(), x.grad()), 1e-6);
  EXPECT_FALSE(layer.weight.grad().defined());
  EXPECT_FALSE(layer.bias.grad().defined());
}

TEST(Linear, FrozenGivesATrainedBiasItsGradient) {
  Layer layer;
  layer.bias.requires_grad_(true);
  worker::linear(layer.x, layer.weight, layer.bias).backward(layer.up);
  EXPECT_LT(relative(layer.bias.grad(), layer.up.sum(0)), 1e-6);
}

TEST(Linear, TrainedGivesEveryGradient) {
  Layer layer;
  layer.weight.requires_grad_(true);
  layer.bias.requires_grad_(true);
  const at::Tensor x = doubled(layer.x), weight = doubled(layer.weight), bias = doubled(layer.bias);
  const at::Tensor plain = at::linear(x, weight, bias);
  const at::Tensor ours = worker::linear(layer.x, layer.weight, layer.bias);
  ours.backward(layer.up);
  plain.backward(layer.up.to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(layer.x.grad(), x.grad()), 1e-6);
  EXPECT_LT(relative(layer.weight.grad(), weight.grad()), 1e-6);
  EXPECT_LT(relative(layer.bias.grad(), bias.grad()), 1e-6);
}

TEST(Linear, ByTilesHasTheSameBytesOnTwoThreads) {
  if (!worker::kernels::has_tiles()) GTEST_SKIP() << "this processor has no tiles";
  const at::Tensor x = numbers(1, {99, 24}), weight = numbers(2, {40, 24}), up = numbers(4, {99, 40});
  const auto all = [&] {
    return at::cat({worker::product(x, weight, std::nullopt).flatten(), worker::input_gradient(up, weight).flatten(),
                    worker::weight_gradient(up, x).flatten()});
  };
  at::set_num_threads(1);
  const at::Tensor one = all();
  at::set_num_threads(2);
  const at::Tensor two = all();
  at::set_num_threads(1);
  EXPECT_TRUE(one.equal(two));
}

TEST(Linear, OfNoTokensGivesItsWeightNoGradient) {
  const at::Tensor up = numbers(4, {0, 40}), x = numbers(1, {0, 24});
  EXPECT_TRUE(worker::weight_gradient(up, x).equal(at::zeros({40, 24})));
  const at::Tensor sum = numbers(2, {40, 24}), before = sum.clone();
  worker::add_weight_gradient(up, x, sum);
  EXPECT_TRUE(sum.equal(before));
  EXPECT_EQ(worker::product(x, numbers(2, {40, 24}), std::nullopt).size(0), 0);
}

TEST(Linear, TakesAnAbsentBias) {
  const Layer layer;
  EXPECT_LT(relative(worker::linear(layer.x, layer.weight, {}), at::linear(layer.x, layer.weight)), 1e-6);
}

TEST(Linear, InHalfPrecisionRoundsTheProductAndAddsTheBiasWhole) {
  const Layer layer;
  const at::Tensor narrow = layer.weight.to(at::kBFloat16), x = doubled(layer.x);
  const at::Tensor plain = at::linear(x, narrow.to(at::kDouble), layer.bias.to(at::kDouble));
  const at::Tensor ours = worker::linear(layer.x, narrow, layer.bias);
  ours.backward(layer.up);
  plain.backward(layer.up.to(at::kDouble));
  EXPECT_EQ(ours.scalar_type(), at::kFloat);
  EXPECT_LT(relative(ours, plain), 5e-3);
  EXPECT_LT(relative(layer.x.grad(), x.grad()), 5e-3);
  const at::Tensor nothing = worker::linear(layer.x * 0, narrow, layer.bias);
  EXPECT_EQ(values_of(nothing.select(0, 7)), values_of(layer.bias)) << "the bias was rounded";
}

std::shared_ptr<const worker::TokenOwners> owners_of(std::int64_t tokens) {
  auto owners = std::make_shared<worker::TokenOwners>();
  for (std::uint32_t t = 0; t < tokens; ++t) {
    owners->example.push_back(t / 9);
    owners->position.push_back(t % 9);
  }
  return owners;
}

TEST(Dropout, DrawsTheSameMaskForTheGradient) {
  const at::Tensor x = (numbers(1, {32, 24}) + 3).requires_grad_(true);
  const at::Tensor y = worker::dropout(x, 0.4, {1, 2}, 5, *owners_of(32));
  y.backward(numbers(2, {32, 24}) + 3);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    ASSERT_EQ(values_of(y)[at] == 0, values_of(x.grad())[at] == 0);
  }
}

TEST(Dropout, OfAnotherStepOrStreamIsAnother) {
  const at::Tensor x = numbers(1, {32, 24});
  const auto drawn = [&](worker::Key key, std::uint32_t step) {
    return values_of(worker::dropout(x, 0.4, key, step, *owners_of(32)));
  };
  EXPECT_EQ(drawn({1, 2}, 5), drawn({1, 2}, 5));
  EXPECT_NE(drawn({1, 2}, 5), drawn({1, 2}, 6));
  EXPECT_NE(drawn({1, 2}, 5), drawn({1, 3}, 5));
}

TEST(Dropout, AtRateZeroIsTheIdentity) {
  const at::Tensor x = numbers(1, {32, 24});
  EXPECT_TRUE(worker::dropout(x, 0, {1, 2}, 5, *owners_of(32)).is_same(x));
}

TEST(Gelu, IsLibTorchsWithItsGradient) {
  const at::Tensor x = (numbers(1, {9, 40}) * 4).detach().requires_grad_(true), wide = doubled(x);
  const at::Tensor ours = worker::gelu(x), plain = at::gelu(wide);
  ours.backward(numbers(2, {9, 40}));
  plain.backward(numbers(2, {9, 40}).to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(x.grad(), wide.grad()), 1e-6);
}

TEST(LowRank, IsTwoProductsWithEveryGradient) {
  const at::Tensor x = numbers(1, {13, 40}).requires_grad_(true), down = numbers(2, {3, 40}).requires_grad_(true);
  const at::Tensor up = numbers(3, {24, 3}).requires_grad_(true), gradient = numbers(4, {13, 24});
  const at::Tensor x2 = doubled(x), down2 = doubled(down), up2 = doubled(up);
  const at::Tensor ours = worker::low_rank(x, down, up, 2), plain = at::linear(at::linear(x2, down2) * 2, up2);
  ours.backward(gradient);
  plain.backward(gradient.to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(x.grad(), x2.grad()), 1e-6);
  EXPECT_LT(relative(down.grad(), down2.grad()), 1e-6);
  EXPECT_LT(relative(up.grad(), up2.grad()), 1e-6);
}

TEST(LowRank, OfAFrozenInputGivesItNone) {
  const at::Tensor x = numbers(1, {13, 40}), down = numbers(2, {3, 40}).requires_grad_(true);
  const at::Tensor up = numbers(3, {24, 3}).requires_grad_(true);
  worker::low_rank(x, down, up, 2).backward(numbers(4, {13, 24}));
  EXPECT_TRUE(down.grad().defined());
  EXPECT_FALSE(x.grad().defined());
}

/// A layer of LibTorch's in both directions: input, recurrent, biases of each.
std::vector<at::Tensor> weights_of_lstm(std::int64_t in, std::int64_t n) {
  std::vector<at::Tensor> all;
  for (std::uint32_t direction = 0; direction < 2; ++direction) {
    for (const auto& shape : std::vector<std::vector<std::int64_t>>{{4 * n, in}, {4 * n, n}, {4 * n}, {4 * n}}) {
      all.push_back(numbers(20 + static_cast<std::uint32_t>(all.size()), shape).requires_grad_(true));
    }
  }
  return all;
}

TEST(Lstm, IsLibTorchsInBothDirectionsWithEveryGradient) {
  constexpr std::int64_t kSteps = 7, kIn = 5, kWidth = 6;
  const at::Tensor x = numbers(40, {kSteps, kIn}).requires_grad_(true), up = numbers(41, {kSteps, 2 * kWidth});
  const std::vector<at::Tensor> ours = weights_of_lstm(kIn, kWidth);
  std::vector<at::Tensor> theirs;
  for (const at::Tensor& one : ours) theirs.push_back(doubled(one));
  const at::Tensor other = doubled(x), start = at::zeros({2, 1, kWidth}, at::kDouble);
  const at::Tensor plain =
      std::get<0>(at::lstm(other.unsqueeze(1), {start, start}, theirs, true, 1, 0, true, true, false)).squeeze(1);
  plain.backward(up.to(at::kDouble));

  const auto direction = [&](std::size_t first) {
    const at::Tensor gates = worker::linear(x, ours[first], ours[first + 2] + ours[first + 3]);
    return worker::lstm(gates, ours[first + 1], first > 0);
  };
  const at::Tensor both = at::cat({direction(0), direction(4)}, 1);
  both.backward(up);
  EXPECT_LT(relative(both, plain), 1e-6);
  EXPECT_LT(relative(x.grad(), other.grad()), 1e-6);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(relative(ours[i].grad(), theirs[i].grad()), 1e-6) << i;
}

TEST(AddNorm, IsTheNormOfTheSumWithEveryGradient) {
  for (const std::int64_t width : {16, 40, 7}) {
    SCOPED_TRACE(width);
    const at::Tensor a = numbers(1, {9, width}).requires_grad_(true), b = numbers(2, {9, width}).requires_grad_(true);
    const at::Tensor weight = numbers(3, {width}).requires_grad_(true), bias = numbers(4, {width}).requires_grad_(true);
    const at::Tensor up = numbers(5, {9, width}), up_sum = numbers(6, {9, width});
    const worker::Normed ours = worker::add_norm(a, b, weight, bias, {1e-12});
    (ours.y * up + ours.sum * up_sum).sum().backward();

    const at::Tensor a2 = doubled(a), b2 = doubled(b), weight2 = doubled(weight), bias2 = doubled(bias);
    const at::Tensor sum = a2 + b2, y = at::layer_norm(sum, {width}, weight2, bias2, 1e-12);
    (y * up.to(at::kDouble) + sum * up_sum.to(at::kDouble)).sum().backward();
    EXPECT_LT(relative(ours.sum, sum), 1e-6);
    EXPECT_LT(relative(ours.y, y), 1e-6);
    EXPECT_LT(relative(a.grad(), a2.grad()), 3e-6);
    EXPECT_LT(relative(b.grad(), b2.grad()), 3e-6);
    EXPECT_LT(relative(weight.grad(), weight2.grad()), 1e-6);
    EXPECT_LT(relative(bias.grad(), bias2.grad()), 1e-6);
  }
}

TEST(AddNorm, GivesAFrozenNormNoGradient) {
  const at::Tensor a = numbers(1, {9, 24}).requires_grad_(true), b = numbers(2, {9, 24});
  const at::Tensor weight = numbers(3, {24}), bias = numbers(4, {24});
  worker::add_norm(a, b, weight, bias, {1e-12}).y.backward(numbers(5, {9, 24}));
  EXPECT_TRUE(a.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
  EXPECT_FALSE(bias.grad().defined());
}

worker::AttentionCall call_over(std::vector<std::int32_t> offsets, std::int64_t tokens) {
  worker::AttentionCall call;
  call.heads = 2;
  call.offsets = std::make_shared<const std::vector<std::int32_t>>(std::move(offsets));
  call.owners = owners_of(tokens);
  return call;
}

TEST(Attention, LeavesTokensThatBelongToNobodyAtZero) {
  const at::Tensor q = numbers(1, {16, 8}).requires_grad_(true), k = numbers(2, {16, 8}).requires_grad_(true);
  const at::Tensor v = numbers(3, {16, 8}).requires_grad_(true);
  const at::Tensor out = worker::attention(q, k, v, {}, {}, call_over({0, 4, 11}, 16));
  out.backward(numbers(4, {16, 8}));
  const std::vector<float> zeros(5 * 8);
  for (const at::Tensor& tensor : {out, q.grad(), k.grad(), v.grad()}) {
    EXPECT_EQ(values_of(tensor.narrow(0, 11, 5)), zeros);
    EXPECT_NE(values_of(tensor.narrow(0, 0, 5)), zeros);
  }
}

TEST(Attention, CausalInGroupsIsLibTorchsOnRowsOfOddLengthsWithEveryGradient) {
  const std::vector<std::int32_t> offsets{0, 1, 38, 107};
  const at::Tensor q = numbers(1, {107, 66}).requires_grad_(true), k = numbers(2, {107, 22}).requires_grad_(true);
  const at::Tensor v = numbers(3, {107, 22}).requires_grad_(true), up = numbers(4, {107, 66});
  worker::AttentionCall call;
  call.heads = 6;
  call.kv_heads = 2;
  call.causal = true;
  call.offsets = std::make_shared<const std::vector<std::int32_t>>(offsets);
  call.owners = owners_of(107);
  const at::Tensor ours = worker::attention(q, k, v, {}, {}, call);
  ours.backward(up);
  const at::Tensor q2 = doubled(q), k2 = doubled(k), v2 = doubled(v);
  std::vector<at::Tensor> rows;
  for (std::size_t r = 0; r + 1 < offsets.size(); ++r) {
    const auto heads = [&](const at::Tensor& x) {
      return x.narrow(0, offsets[r], offsets[r + 1] - offsets[r]).unflatten(1, {-1, 11}).unsqueeze(0).transpose(1, 2);
    };
    const auto repeated = [&](const at::Tensor& x) { return heads(x).repeat_interleave(3, 1); };
    const at::Tensor row = at::scaled_dot_product_attention(heads(q2), repeated(k2), repeated(v2), {}, 0, true);
    rows.push_back(row.transpose(1, 2).reshape({-1, 66}));
  }
  const at::Tensor plain = at::cat(rows);
  plain.backward(up.to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(q.grad(), q2.grad()), 2e-6);
  EXPECT_LT(relative(k.grad(), k2.grad()), 2e-6);
  EXPECT_LT(relative(v.grad(), v2.grad()), 2e-6);
}

TEST(Attention, SharedExtraKeysAreTheSameKeysGivenToEveryRow) {
  const at::Tensor q = numbers(1, {16, 8}), k = numbers(2, {16, 8}), v = numbers(3, {16, 8}), up = numbers(6, {16, 8});
  const at::Tensor ek = numbers(4, {1, 3, 8}).requires_grad_(true), ev = numbers(5, {1, 3, 8}).requires_grad_(true);
  const at::Tensor each_k = ek.detach().repeat({2, 1, 1}).requires_grad_(true);
  const at::Tensor each_v = ev.detach().repeat({2, 1, 1}).requires_grad_(true);
  const auto call = call_over({0, 6, 16}, 16);
  const at::Tensor shared = worker::attention(q, k, v, ek, ev, call);
  const at::Tensor each = worker::attention(q, k, v, each_k, each_v, call);
  shared.backward(up);
  each.backward(up);
  EXPECT_EQ(values_of(shared), values_of(each));
  EXPECT_LT(relative(ek.grad(), each_k.grad().sum(0, true)), 1e-6);
  EXPECT_LT(relative(ev.grad(), each_v.grad().sum(0, true)), 1e-6);
}

}  // namespace
}  // namespace peftgrid::tests
