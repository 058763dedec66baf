// The operators for other devices beside the loops that the CPU has: the same numbers, the same random ones. On the
// CPU too; tests/gpu/run.sh runs them on a CUDA device.
#include "worker/kernels/cuda/cuda_ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "tests/support/test_tensors.hpp"
#include "worker/kernels/cpu/vector_kernels.hpp"

namespace peftgrid::tests {
namespace {

using at::Tensor;

/// A copy that trains, on that side's device: each side of a comparison has its own.
Tensor fresh(const Tensor& tensor, at::Device device) {
  return tensor.defined() ? tensor.detach().clone().to(device).requires_grad_(true) : tensor;
}

std::shared_ptr<const worker::TokenOwners> owners_of(std::int64_t tokens) {
  auto owners = std::make_shared<worker::TokenOwners>();
  for (std::uint32_t t = 0; t < tokens; ++t) {
    owners->example.push_back(3000000000U + t / 9);
    owners->position.push_back(t % 9);
  }
  return owners;
}

TEST(AnyDevice, DropsTheSameNumbers) {
  const worker::Key key{4000000000U, 17};
  for (const std::int64_t width : {1, 16, 63, 64, 65, 384}) {
    SCOPED_TRACE(width);
    const Tensor x = numbers(1, {24, width}) + 3, up = numbers(2, {24, width});
    const auto owners = owners_of(24);
    const Tensor there = worker::cuda_ops::owners_on(test_device(), *owners);
    const Tensor ours = worker::cuda_ops::dropped(x.to(test_device()), 0.3, key, 7, there);
    const Tensor gradient = worker::cuda_ops::dropped(up.to(test_device()), 0.3, key, 7, there);
    for (const at::Device device : {at::Device(at::kCPU), test_device()}) {
      const Tensor in = fresh(x, device);
      const Tensor out = worker::dropout(in, 0.3, key, 7, *owners);
      out.backward(up.to(device));
      EXPECT_EQ(values_of((ours == 0).to(at::kFloat)), values_of((out == 0).to(at::kFloat)));
      EXPECT_LT(relative(ours, out), 1e-7);
      EXPECT_LT(relative(gradient, in.grad()), 1e-7);
    }
  }
}

TEST(AnyDevice, NormsTheSumAlike) {
  const Tensor a = numbers(1, {20, 48}), b = numbers(2, {20, 48}), weight = numbers(3, {48}), bias = numbers(4, {48});
  const Tensor up = numbers(5, {20, 48}), up_sum = numbers(6, {20, 48});
  std::vector<std::vector<Tensor>> sides;
  for (const auto& [add_norm, device] :
       {std::pair{&worker::cuda_ops::add_norm, test_device()}, std::pair{&worker::add_norm, at::Device(at::kCPU)}}) {
    std::vector<Tensor> in;
    for (const Tensor& tensor : {a, b, weight, bias}) in.push_back(fresh(tensor, device));
    const worker::Normed normed = add_norm(in[0], in[1], in[2], in[3], {1e-12});
    (normed.y * up.to(device) + normed.sum * up_sum.to(device)).sum().backward();
    std::vector<Tensor>& side = sides.emplace_back(std::vector<Tensor>{normed.sum, normed.y});
    for (const Tensor& tensor : in) side.push_back(tensor.grad());
  }
  for (std::size_t i = 0; i < sides[0].size(); ++i) EXPECT_LT(relative(sides[0][i], sides[1][i]), 2e-6) << i;
}

TEST(AnyDevice, MultipliesByAFrozenWeightInHalfPrecisionAlike) {
  const Tensor x = numbers(1, {32, 64}), weight = numbers(2, {48, 64}).to(at::kBFloat16), bias = numbers(3, {48});
  const Tensor up = numbers(4, {32, 48}), a = fresh(x, test_device()), b = fresh(x, at::kCPU);
  const Tensor ours = worker::cuda_ops::linear(a, weight.to(test_device()), bias.to(test_device()));
  const Tensor loops = worker::linear(b, weight, bias);
  ours.backward(up.to(test_device()));
  loops.backward(up);
  EXPECT_LT(relative(ours, loops), 3e-3);
  EXPECT_LT(relative(a.grad(), b.grad()), 3e-3);
}

struct Setting {
  std::int64_t extra;
  bool per_row;
  double dropout;
  bool one_asks;
  std::int64_t width = 24;
  bool causal = false;
  std::int64_t kv_heads = 3;  // of 3
  std::int64_t key_width() const { return width * kv_heads / 3; }
};

class AnyDeviceAttention : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(
    Settings, AnyDeviceAttention,
    testing::Values(Setting{0, false, 0, false}, Setting{0, false, 0.3, false}, Setting{5, false, 0, false},
                    Setting{5, false, 0.3, false}, Setting{5, true, 0.3, false}, Setting{0, false, 0.3, true},
                    Setting{3, false, 0.3, true}, Setting{3, true, 0.3, true}, Setting{3, false, 0.3, false, 21},
                    Setting{3, true, 0.3, true, 30}, Setting{0, false, 0, false, 24, true},
                    Setting{5, true, 0.3, false, 24, true}, Setting{3, false, 0.3, true, 30, true},
                    Setting{0, false, 0.3, false, 24, false, 1}, Setting{5, false, 0.3, false, 30, true, 1},
                    Setting{3, true, 0.3, true, 24, true, 1}));

constexpr std::int64_t kTokens = 40, kRows = 4, kLines = 6;  // two tokens and two lines of nobody

worker::AttentionCall call_of(const Setting& s) {
  worker::AttentionCall call;
  call.heads = 3;
  call.causal = s.causal;
  call.kv_heads = s.kv_heads;
  call.dropout = s.dropout;
  call.key = {5, 4100000000U};
  call.step = 11;
  call.offsets = std::make_shared<const std::vector<std::int32_t>>(std::vector<std::int32_t>{0, 1, 10, 33, 38});
  call.owners = owners_of(kTokens);
  if (s.one_asks)
    call.query = std::make_shared<const std::vector<std::int32_t>>(std::vector<std::int32_t>{0, 7, 22, 2});
  return call;
}

/// q, k, v, extra keys and values; a gradient on the result.
std::vector<Tensor> inputs_of(const Setting& s) {
  const std::int64_t lines = s.one_asks ? kLines : kTokens;
  const auto extra = [&](std::uint32_t which) {
    return s.extra > 0 ? numbers(which, {s.per_row ? kRows : 1, s.extra, s.key_width()}, 2) : Tensor();
  };
  return {numbers(1, {lines, s.width}, 2),
          numbers(2, {kTokens, s.key_width()}, 2),
          numbers(3, {kTokens, s.key_width()}),
          extra(4),
          extra(5),
          numbers(6, {lines, s.width})};
}

/// The result and the gradients on q, k, v and extra keys and values, through autograd.
std::vector<Tensor> attended(const std::vector<Tensor>& given, const worker::AttentionCall& call, at::Device device) {
  std::vector<Tensor> in;
  for (const Tensor& tensor : given) in.push_back(fresh(tensor, device));
  const Tensor out = worker::attention(in[0], in[1], in[2], in[3], in[4], call);
  out.backward(given[5].to(device));
  std::vector<Tensor> all{out};
  for (std::size_t i = 0; i < 5; ++i) all.push_back(in[i].defined() ? in[i].grad() : Tensor());
  return all;
}

TEST_P(AnyDeviceAttention, IsTheLoopsWithEveryGradient) {
  const worker::AttentionCall call = call_of(GetParam());
  const std::vector<Tensor> given = inputs_of(GetParam());
  std::vector<Tensor> in;
  for (const Tensor& tensor : given) in.push_back(tensor.defined() ? tensor.to(test_device()) : tensor);
  const worker::cuda_ops::AttentionInputs inputs{in[0], in[1], in[2], in[3], in[4]};
  const worker::cuda_ops::Attended a = worker::cuda_ops::attention(inputs, call);
  const worker::cuda_ops::AttentionInputs g = worker::cuda_ops::attention_gradients(inputs, a, in[5]);
  const std::vector<Tensor> ours{a.out, g.q, g.k, g.v, g.extra_k, g.extra_v};
  for (const at::Device device : {at::Device(at::kCPU), test_device()}) {
    const std::vector<Tensor> theirs = attended(given, call, device);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      ASSERT_EQ(ours[i].defined(), theirs[i].defined()) << i;
      if (!ours[i].defined()) continue;
      EXPECT_EQ(ours[i].sizes(), theirs[i].sizes()) << i;
      EXPECT_LT(relative(ours[i], theirs[i]), 5e-6) << i;
    }
  }
}

TEST(AnyDevice, AttentionLeavesNothingToNobody) {
  for (const bool one_asks : {false, true}) {
    const Setting s{3, true, 0.3, one_asks};
    std::vector<Tensor> in;
    for (const Tensor& tensor : inputs_of(s)) in.push_back(tensor.to(test_device()));
    const worker::cuda_ops::AttentionInputs inputs{in[0], in[1], in[2], in[3], in[4]};
    const worker::cuda_ops::Attended a = worker::cuda_ops::attention(inputs, call_of(s));
    const worker::cuda_ops::AttentionInputs g = worker::cuda_ops::attention_gradients(inputs, a, in[5]);
    const std::int64_t asking = one_asks ? kRows : kTokens - 2;
    for (const Tensor& tensor : {a.out.narrow(0, asking, 2), g.q.narrow(0, asking, 2), g.k.narrow(0, kTokens - 2, 2),
                                 g.v.narrow(0, kTokens - 2, 2)}) {
      for (const float number : values_of(tensor)) EXPECT_EQ(number, 0);
    }
  }
}

TEST(AnyDevice, TakesTheSameAdamWStep) {
  constexpr std::int64_t kCount = 1000;
  const Tensor gradient = numbers(1, {kCount}), start = numbers(2, {kCount}), decays = at::zeros({kCount});
  decays.narrow(0, 0, 600).fill_(1);
  const auto moments = [] { return std::pair{numbers(3, {kCount}) * 0.1, numbers(4, {kCount}).abs() * 0.1}; };
  const auto [first, second] = moments();
  const auto [first_loops, second_loops] = moments();
  const Tensor loops = start.clone(), there = at::stack({decays, gradient, start, first, second}).to(test_device());
  worker::cuda_ops::adamw({1e-2, 0.1, 0.9, 0.999, 1e-8, 0.19, 0.002, 0.7}, there[0], there[1], there[2], there[3],
                          there[4]);
  for (const auto& [begin, count, decay] : {std::tuple{0, 600, 0.1F}, {600, 400, 0.0F}}) {
    worker::kernels::table().adamw(loops.mutable_data_ptr<float>() + begin, gradient.const_data_ptr<float>() + begin,
                                   first_loops.mutable_data_ptr<float>() + begin,
                                   second_loops.mutable_data_ptr<float>() + begin, count, 1e-2F, decay, 0.9, 0.999,
                                   1e-8F, 0.19F, 0.002F, 0.7F);
  }
  EXPECT_LT(relative(there[2].cpu() - start, loops - start), 5e-5) << "of numbers near 1, rounded";
  EXPECT_LT(relative(there[3], first_loops), 1e-6);
  EXPECT_LT(relative(there[4], second_loops), 1e-6);
  EXPECT_NEAR(worker::cuda_ops::squares(there[1]),
              worker::kernels::table().squares(gradient.const_data_ptr<float>(), kCount), 1e-6);
}

}  // namespace
}  // namespace peftgrid::tests
