// Activations, norms and rotary positions of decoders beside LibTorch's composites in double precision, and the loops
// of every level of x86-64 beside one another.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "tests/support/test_tensors.hpp"
#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/cuda/cuda_ops.hpp"
#include "worker/kernels/functions.hpp"

namespace peftgrid::tests {
namespace {

using at::Tensor;

Tensor trained(std::uint32_t which, at::IntArrayRef shape, double spread = 1) {
  return numbers(which, shape, spread).requires_grad_(true);
}

TEST(GeluByTanh, IsLibTorchsWithItsGradient) {
  const Tensor x = trained(1, {9, 43}, 6), wide = doubled(x);
  const Tensor ours = worker::gelu(x, worker::GeluForm::Tanh), plain = at::gelu(wide, "tanh");
  ours.backward(numbers(2, {9, 43}));
  plain.backward(numbers(2, {9, 43}).to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(x.grad(), wide.grad()), 1e-6);
}

TEST(GeluByTanh, OfVeryLargeNumbersIsZeroOrThemselvesAndSoIsItsSlope) {
  const Tensor x = at::empty({4}, at::kFloat);
  set_values(x, {-1e30F, -50, 50, 1e30F});
  x.requires_grad_(true);
  const Tensor y = worker::gelu(x, worker::GeluForm::Tanh);
  y.sum().backward();
  const std::vector<float> right{0, 0, 50, 1e30F}, slope{0, 0, 1, 1};
  for (std::size_t i = 0; i < right.size(); ++i) {
    EXPECT_NEAR(values_of(y)[i], right[i], 1e-7F);
    EXPECT_NEAR(values_of(x.grad())[i], slope[i], 1e-7F);
  }
}

TEST(SiluGate, IsLibTorchsProductWithBothGradients) {
  const Tensor gate = trained(1, {7, 45}, 5), up = trained(2, {7, 45});
  const Tensor gate2 = doubled(gate), up2 = doubled(up), down = numbers(3, {7, 45});
  const Tensor ours = worker::silu_gate(gate, up), plain = at::silu(gate2) * up2;
  ours.backward(down);
  plain.backward(down.to(at::kDouble));
  EXPECT_LT(relative(ours, plain), 1e-6);
  EXPECT_LT(relative(gate.grad(), gate2.grad()), 1e-6);
  EXPECT_LT(relative(up.grad(), up2.grad()), 1e-6);
}

/// Rotary positions as transformers writes them: x cos + rotate(x) sin, over the part of a head that turns.
Tensor plainly_turned(const Tensor& x, const Tensor& angles, std::int64_t head_dim, bool interleaved) {
  const std::int64_t pairs = angles.size(1), turned = 2 * pairs;
  const Tensor heads = x.view({x.size(0), -1, head_dim}), part = heads.narrow(2, 0, turned);
  const Tensor doubled_angles = interleaved ? at::stack({angles, angles}, 2).flatten(1) : at::cat({angles, angles}, 1);
  const Tensor other = interleaved
                           ? at::stack({-part.slice(2, 1, turned, 2), part.slice(2, 0, turned, 2)}, 3).flatten(2)
                           : at::cat({-part.narrow(2, pairs, pairs), part.narrow(2, 0, pairs)}, 2);
  const Tensor cosines = doubled_angles.cos().unsqueeze(1), sines = doubled_angles.sin().unsqueeze(1);
  return at::cat({part * cosines + other * sines, heads.narrow(2, turned, head_dim - turned)}, 2).view(x.sizes());
}

struct HeadShape {
  std::int64_t heads, head_dim, pairs;
  bool interleaved;
};
const HeadShape kHeadShapes[] = {{3, 10, 5, false}, {2, 10, 5, true}, {3, 64, 16, true}, {1, 34, 8, false}};

TEST(Rotary, TurnsAPartOfEachHeadAsTransformersDoesAndItsGradientBack) {
  for (const auto& [heads, head_dim, pairs, interleaved] : kHeadShapes) {
    SCOPED_TRACE(head_dim);
    const Tensor x = trained(1, {6, heads * head_dim}), angles = numbers(2, {6, pairs}, 40).to(at::kDouble);
    const worker::Rotation rotation{angles.cos().to(at::kFloat), angles.sin().to(at::kFloat), head_dim, interleaved};
    const Tensor other = doubled(x), down = numbers(3, x.sizes());
    const Tensor ours = worker::rotate(x, rotation), plain = plainly_turned(other, angles, head_dim, interleaved);
    ours.backward(down);
    plain.backward(down.to(at::kDouble));
    EXPECT_LT(relative(ours, plain), 1e-6);
    EXPECT_LT(relative(x.grad(), other.grad()), 1e-6);
    EXPECT_LT(relative(worker::cuda_ops::rotate(x.detach(), rotation), plain), 1e-6);
  }
}

TEST(RootMeanSquareNorm, OfASumIsItsFormulaWithEveryGradient) {
  for (const std::int64_t width : {16, 40, 7}) {
    SCOPED_TRACE(width);
    const Tensor a = trained(1, {9, width}), b = trained(2, {9, width}), weight = trained(3, {width});
    const Tensor up = numbers(4, {9, width}), up_sum = numbers(5, {9, width});
    const worker::Normed ours = worker::add_norm(a, b, weight, {}, {1e-6, true});
    (ours.y * up + ours.sum * up_sum).sum().backward();
    const Tensor a2 = doubled(a), b2 = doubled(b), weight2 = doubled(weight), sum = a2 + b2;
    const Tensor y = sum * at::rsqrt((sum * sum).mean({-1}, true) + 1e-6) * weight2;
    (y * up.to(at::kDouble) + sum * up_sum.to(at::kDouble)).sum().backward();
    EXPECT_LT(relative(ours.y, y), 1e-6);
    EXPECT_LT(relative(a.grad(), a2.grad()), 3e-6);
    EXPECT_LT(relative(b.grad(), b2.grad()), 3e-6);
    EXPECT_LT(relative(weight.grad(), weight2.grad()), 1e-6);
    EXPECT_LT(relative(worker::cuda_ops::add_norm(a, b, weight, {}, {1e-6, true}).y, y), 1e-6);
  }
}

TEST(AddNorm, OfOneTensorIsTheNormOfIt) {
  for (const bool root_mean_square : {false, true}) {
    const worker::NormSettings settings{1e-5, root_mean_square};
    const Tensor alone = trained(1, {5, 23}), sum = trained(1, {5, 23}), weight = numbers(3, {23});
    const worker::Normed ours = worker::add_norm(alone, {}, weight, {}, settings);
    const worker::Normed plain = worker::add_norm(sum, at::zeros_like(sum), weight, {}, settings);
    ours.y.backward(numbers(4, {5, 23}));
    plain.y.backward(numbers(4, {5, 23}));
    EXPECT_EQ(values_of(ours.y), values_of(plain.y));
    EXPECT_EQ(values_of(alone.grad()), values_of(sum.grad()));
    EXPECT_TRUE(ours.sum.is_same(alone));
  }
}

TEST(TokenLoops, OfEveryLevelAgreeAndWriteNothingBehindTheirEnd) {
  constexpr std::int64_t kCount = 37;
  const auto values = [](std::uint32_t which) { return values_of(numbers(which, {kCount}, 3)); };
  const std::vector<float> x = values(1), y = values(2), z = values(3);
  std::vector<std::vector<float>> first;
  for (const worker::kernels::Table* const* at = worker::kernels::all_tables(); *at != nullptr; ++at) {
    const worker::kernels::Table& table = **at;
    SCOPED_TRACE(table.level);
    std::vector<std::vector<float>> out(7, std::vector<float>(kCount + 1, 5));
    table.gelu_tanh(x.data(), out[0].data(), out[1].data(), kCount);
    table.silu_gate(x.data(), y.data(), out[2].data(), kCount);
    table.silu_gate_backward(x.data(), y.data(), z.data(), out[3].data(), out[4].data(), kCount);
    table.rotary({1, 1, kCount, 20, false}, x.data(), y.data(), z.data(), out[5].data(), 1);
    table.rotary({1, 1, kCount, 20, true}, x.data(), y.data(), z.data(), out[6].data(), -1);
    if (first.empty()) first = out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      for (std::size_t n = 0; n < kCount; ++n) EXPECT_NEAR(out[i][n], first[i][n], 3e-6F) << i << " " << n;
      EXPECT_EQ(out[i].back(), 5) << i;
    }
  }
}

}  // namespace
}  // namespace peftgrid::tests
