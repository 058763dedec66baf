#include "worker/kernels/any_device.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/kernels/cuda_program.hpp"
#include "worker/kernels/dropout_source.hpp"
#include "worker/kernels/index_tensor.hpp"

namespace peftgrid::worker::any_device {

namespace {

using at::Tensor;

namespace draws {
#define DEVICE
#include "worker/kernels/dropout_factors.inc"
#undef DEVICE
}  // namespace draws

draws::Draw draw_of(double rate, Key key, std::uint32_t step) {
  const auto narrow = static_cast<float>(rate);
  return {key.a, key.b, step, static_cast<std::uint32_t>(static_cast<double>(narrow) * 4294967296.0),
          1.0F / (1.0F - narrow)};
}

const kernels::CudaProgram& cuda_program() {
  static const kernels::CudaProgram program(kernels::kDropoutSource);
  return program;
}

/// Packed rows laid out as a rectangle [rows, longest].
struct Rectangle {
  Rectangle(const std::vector<std::int32_t>& offsets, const TokenOwners& owners, at::Device device)
      : rows(static_cast<std::int64_t>(offsets.size()) - 1) {
    for (std::size_t r = 0; r + 1 < offsets.size(); ++r)
      longest = std::max<std::int64_t>(longest, offsets[r + 1] - offsets[r]);
    std::vector<std::int64_t> place;
    std::vector<std::uint32_t> whose;
    Tensor closed = at::full({rows, longest}, -std::numeric_limits<float>::infinity());
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t begin = offsets[static_cast<std::size_t>(r)], end = offsets[static_cast<std::size_t>(r) + 1];
      for (std::int64_t p = 0; p < end - begin; ++p) place.push_back(r * longest + p);
      closed.select(0, r).narrow(0, 0, end - begin).zero_();
      whose.push_back(owners.example[static_cast<std::size_t>(begin)]);
    }
    tokens = static_cast<std::int64_t>(place.size());
    place_of_token = index_tensor(place, device);
    example = index_tensor(whose, device);
    bias = closed.to(device);
  }
  /// x [tokens, heads * head_dim] to [rows, heads, longest, head_dim].
  Tensor spread(const Tensor& x, std::int64_t heads) const {
    const Tensor empty = at::zeros({rows * longest, x.size(1)}, x.options());
    return empty.index_copy(0, place_of_token, x.narrow(0, 0, tokens)).view({rows, longest, heads, -1}).transpose(1, 2);
  }

  std::int64_t rows, longest = 0, tokens = 0;
  Tensor place_of_token;  // [tokens]
  Tensor example;         // [rows]
  Tensor bias;            // [rows, longest]: 0, or minus infinity behind a row's end
};

/// The rows of a batch have the same layout in every layer.
std::shared_ptr<const Rectangle> rectangle_of(const AttentionCall& call, at::Device device) {
  struct Last {
    std::shared_ptr<const std::vector<std::int32_t>> offsets;
    std::shared_ptr<const TokenOwners> owners;
    at::Device device = at::kCPU;
    std::shared_ptr<const Rectangle> rectangle;
  };
  static thread_local Last last;
  if (last.offsets != call.offsets || last.owners != call.owners || last.device != device) {
    last = {call.offsets, call.owners, device, std::make_shared<const Rectangle>(*call.offsets, *call.owners, device)};
  }
  return last.rectangle;
}

/// Factors of dropout for x [tokens, width].
Tensor dropout_factors(const Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners) {
  draws::Draw draw = draw_of(rate, key, step);
  std::int64_t tokens = x.size(0), width = x.size(1);
  if (!owners.device_example.defined() || owners.device_example.device() != x.device()) {
    owners.device_example = index_tensor(owners.example, x.device());
    owners.device_position = index_tensor(owners.position, x.device());
  }
  Tensor factors = at::empty({tokens, width}, x.options());
  const auto* position = owners.device_position.const_data_ptr<std::int64_t>();
  const auto* example = owners.device_example.const_data_ptr<std::int64_t>();
  auto* out = factors.mutable_data_ptr<float>();
  const std::int64_t threads = tokens * ((width + 63) / 64) * 16;
  if (x.is_cuda()) {
    void* arguments[] = {&draw, &tokens, &width, &position, &example, &out};
    cuda_program().launch("dropout_factors", threads, arguments);
  } else {
    for (std::int64_t i = 0; i < threads; ++i) draws::dropout_thread(i, draw, tokens, width, position, example, out);
  }
  return factors;
}

/// Factors of the softmax's dropout, [rows, heads, queries, keys].
Tensor attention_factors(const AttentionCall& call, const Rectangle& r, std::int64_t keys, const Tensor& like) {
  draws::Draw draw = draw_of(call.dropout, call.key, call.step);
  std::int64_t rows = r.rows, heads = call.heads, queries = call.query ? 1 : r.longest;
  const Tensor positions = call.query ? index_tensor(*call.query, like.device()) : Tensor();
  Tensor factors = at::empty({rows, heads, queries, keys}, like.options());
  const auto* asking = call.query ? positions.const_data_ptr<std::int64_t>() : nullptr;
  const auto* example = r.example.const_data_ptr<std::int64_t>();
  auto* out = factors.mutable_data_ptr<float>();
  const std::int64_t threads = rows * heads * ((queries + 3) / 4) * keys;
  if (like.is_cuda()) {
    void* arguments[] = {&draw, &rows, &heads, &queries, &keys, &asking, &example, &out};
    cuda_program().launch("attention_factors", threads, arguments);
  } else {
    for (std::int64_t i = 0; i < threads; ++i)
      draws::attention_thread(i, draw, rows, heads, queries, keys, asking, example, out);
  }
  return factors;
}

/// Numbers rounded to bf16, products of them; the sums in fp32.
Tensor bf16_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor y = at::linear(x.to(at::kBFloat16), weight).to(at::kFloat);
  return bias.defined() ? y + bias : y;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.scalar_type() == at::kBFloat16) return bf16_linear(x, weight, bias);
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

Tensor dropout(const Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners) {
  return x * dropout_factors(x, rate, key, step, owners);
}

Normed add_norm(const Tensor& a, const Tensor& b, const Tensor& weight, const Tensor& bias, double epsilon) {
  const Tensor sum = a + b;
  return {sum, at::layer_norm(sum, {sum.size(1)}, weight, bias, epsilon)};
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& extra_k, const Tensor& extra_v,
                 const AttentionCall& call) {
  const auto r = rectangle_of(call, q.device());
  const std::int64_t head_dim = q.size(1) / call.heads, extra = extra_k.defined() ? extra_k.size(1) : 0;
  const auto with_extra = [&](const Tensor& own, const Tensor& more) {
    const Tensor mine = r->spread(own, call.heads);
    if (extra == 0) return mine;
    const Tensor before = more.expand({r->rows, extra, more.size(2)}).reshape({r->rows, extra, call.heads, head_dim});
    return at::cat({before.transpose(1, 2), mine}, 2);
  };
  const Tensor keys = with_extra(k, extra_k), values = with_extra(v, extra_v);
  const Tensor queries =
      call.query ? q.narrow(0, 0, r->rows).view({r->rows, call.heads, 1, head_dim}) : r->spread(q, call.heads);
  const Tensor closed = at::constant_pad_nd(r->bias, {extra, 0}).view({r->rows, 1, 1, -1});
  const Tensor scores = at::matmul(queries, keys.transpose(2, 3)) * (1.0 / std::sqrt(static_cast<double>(head_dim)));
  Tensor weights = at::softmax(scores + closed, -1);
  if (call.dropout > 0) weights = weights * attention_factors(call, *r, keys.size(2), q);
  Tensor out = at::matmul(weights, values).transpose(1, 2).reshape({-1, q.size(1)});
  if (!call.query) out = at::index_select(out, 0, r->place_of_token);
  return at::constant_pad_nd(out, {0, 0, 0, q.size(0) - out.size(0)});
}

double squares(const Tensor& x) {
  const Tensor wide = x.to(at::kDouble);
  return at::sum(wide * wide).item<double>();
}

void adamw(const AdamWStep& step, const Tensor& decays, const Tensor& gradient, Tensor values, Tensor first,
           Tensor second) {
  const at::NoGradGuard no_gradient;
  const Tensor g = gradient * step.gradient_scale;
  first.mul_(step.beta1).add_(g, 1 - step.beta1);
  second.mul_(step.beta2).addcmul_(g, g, 1 - step.beta2);
  const Tensor root = second.sqrt().mul_(1 / std::sqrt(step.correction2)).add_(step.epsilon);
  values.mul_(1 - decays * (step.rate * step.decay)).addcdiv_(first, root, -step.rate / step.correction1);
}

}  // namespace peftgrid::worker::any_device
