#include "worker/kernels/cuda/cuda_ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>
#include <utility>

#include "worker/kernels/cuda/cuda_program.hpp"
#include "worker/kernels/cuda/device_source.hpp"
#include "worker/kernels/index_tensor.hpp"

namespace peftgrid::worker::cuda_ops {

using at::Tensor;

namespace device {
#define DEVICE
#define UNROLL
#include "worker/kernels/cuda/device_kernels.inc"
// Behind what it uses.
#include "worker/kernels/cuda/attention_kernels.inc"
#undef UNROLL
#undef DEVICE
}  // namespace device

namespace {

const kernels::CudaProgram& program() {
  static const kernels::CudaProgram program(kernels::kDeviceSource);
  return program;
}

/// Runs `threads` threads of a kernel where the tensors lie.
template <auto kThread, typename Call>
void run(const char* name, bool on_cuda, std::int64_t threads, Call call) {
  if (!on_cuda) {
    for (std::int64_t i = 0; i < threads; ++i) kThread(i, call);
    return;
  }
  static const kernels::CudaKernel kernel = program().kernel(name);
  void* arguments[] = {&call, &threads};
  kernel.launch(threads, arguments);
}

device::Draw draw_of(double rate, Key key, std::uint32_t step) {
  const auto narrow = static_cast<float>(rate);
  return {key.a, key.b, step, static_cast<std::uint32_t>(static_cast<double>(narrow) * 4294967296.0),
          1.0F / (1.0F - narrow)};
}

/// Numbers rounded to bf16, products of them; the sums in fp32.
Tensor bf16_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor y = at::linear(x.to(at::kBFloat16), weight).to(at::kFloat);
  return bias.defined() ? y + bias : y;
}

}  // namespace

void compile_ahead() {
  const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
  static const std::jthread beside([device = cuda.getDevice()] {
    try {
      c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(device);
      program();
    } catch (const std::exception&) {  // the first kernel tries again
    }
  });
}

struct PackedRows {
  PackedRows(const AttentionCall& call, at::Device device);

  device::RowTables tables{};
  std::int64_t pairs = 0, longest = 0;  // quads times tokens, over all rows; tokens of the longest
  Tensor numbers;                       // where the tables lie: one tensor, one copy
};

PackedRows::PackedRows(const AttentionCall& call, at::Device device) {
  using Numbers = std::vector<std::int64_t>;
  const std::vector<std::int32_t>& offsets = *call.offsets;
  Numbers first(offsets.begin(), offsets.end()), first_quad{0}, pairs_before, example, asked, row_of_quad, row_of_token;
  tables.rows = static_cast<std::int64_t>(offsets.size()) - 1;
  for (std::int64_t row = 0; row < tables.rows; ++row) {
    const auto at = static_cast<std::size_t>(row);
    const std::int64_t length = first[at + 1] - first[at], quads = call.query ? 1 : (length + 3) / 4;
    first_quad.push_back(first_quad.back() + quads);
    pairs_before.push_back(pairs);
    example.push_back(call.owners->example[static_cast<std::size_t>(first[at])]);
    if (call.query) asked.push_back((*call.query)[at]);
    row_of_quad.insert(row_of_quad.end(), static_cast<std::size_t>(quads), row);
    row_of_token.insert(row_of_token.end(), static_cast<std::size_t>(length), row);
    pairs += quads * length;
    longest = std::max(longest, length);
  }
  tables.quads = first_quad.back();
  tables.tokens = first.back();
  tables.lines = call.query ? tables.rows : tables.tokens;
  Numbers all;
  const Numbers* parts[] = {&first, &first_quad, &pairs_before, &example, &asked, &row_of_quad, &row_of_token};
  for (const Numbers* part : parts) all.insert(all.end(), part->begin(), part->end());
  numbers = index_tensor(all, device);
  const auto* next = numbers.const_data_ptr<std::int64_t>();
  const auto take = [&next](const Numbers& part) { return std::exchange(next, next + part.size()); };
  tables.first = take(first);
  tables.first_quad = take(first_quad);
  tables.pairs = take(pairs_before);
  tables.example = take(example);
  tables.asked = call.query ? take(asked) : nullptr;
  tables.row_of_quad = take(row_of_quad);
  tables.row_of_token = take(row_of_token);
}

namespace {

/// The rows of a batch lie alike in every layer.
std::shared_ptr<const PackedRows> rows_of(const AttentionCall& call, at::Device device) {
  struct Last {
    std::shared_ptr<const std::vector<std::int32_t>> offsets, query;
    std::shared_ptr<const TokenOwners> owners;
    at::Device device = at::kCPU;
    std::shared_ptr<const PackedRows> rows;
  };
  static thread_local Last last;
  if (last.offsets != call.offsets || last.query != call.query || last.owners != call.owners || last.device != device) {
    last = {call.offsets, call.query, call.owners, device, std::make_shared<const PackedRows>(call, device)};
  }
  return last.rows;
}

/// Each head's columns rounded up to a multiple of four with zeros, as the kernels want them.
Tensor in_fours(const Tensor& x, std::int64_t heads) {
  if (!x.defined() || x.size(-1) / heads % 4 == 0) return x;
  return at::constant_pad_nd(x.unflatten(-1, {heads, -1}), {0, 4 - x.size(-1) / heads % 4}).flatten(-2);
}

/// Back from in_fours to `width` columns.
Tensor out_of_fours(const Tensor& x, std::int64_t heads, std::int64_t width) {
  if (!x.defined() || x.size(-1) == width) return x;
  return x.unflatten(-1, {heads, -1}).narrow(-1, 0, width / heads).flatten(-2);
}

AttentionInputs in_fours(const AttentionInputs& in, std::int64_t heads, std::int64_t kv_heads) {
  return {in_fours(in.q, heads), in_fours(in.k, kv_heads), in_fours(in.v, kv_heads), in_fours(in.extra_k, kv_heads),
          in_fours(in.extra_v, kv_heads)};
}

const float* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

float* mutable_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

device::Four* fours_or_null(const Tensor& tensor) {
  return tensor.defined() ? static_cast<device::Four*>(tensor.mutable_data_ptr()) : nullptr;
}

/// `in`: in fours; `head_dim` without the zeros.
device::Attention shape_of(const AttentionInputs& in, const Attended& a, std::int64_t head_dim) {
  device::Attention shape{};
  shape.tables = a.rows->tables;
  shape.heads = a.heads;
  shape.width = in.q.size(1);
  shape.head_dim = shape.width / a.heads;
  shape.group = a.heads / a.kv_heads;
  shape.key_width = shape.width / shape.group;
  shape.extra = in.extra_k.defined() ? in.extra_k.size(1) : 0;
  shape.extra_stride = in.extra_k.defined() && in.extra_k.size(0) > 1 ? shape.extra * shape.key_width : 0;
  shape.longest = shape.extra + a.rows->longest;
  shape.q_lines = in.q.size(0);
  shape.k_lines = in.k.size(0);
  shape.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  shape.q = in.q.const_data_ptr<float>();
  shape.k = in.k.const_data_ptr<float>();
  shape.v = in.v.const_data_ptr<float>();
  shape.extra_k = data_or_null(in.extra_k);
  shape.extra_v = data_or_null(in.extra_v);
  shape.scores = fours_or_null(a.scores);
  shape.factors = fours_or_null(a.factors);
  shape.norms = fours_or_null(a.norms);
  shape.out = a.out.mutable_data_ptr<float>();
  return shape;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.scalar_type() == at::kBFloat16) return bf16_linear(x, weight, bias);
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

Normed add_norm(const Tensor& a, const Tensor& b, const Tensor& weight, const Tensor& bias,
                const NormSettings& settings) {
  const Tensor sum = b.defined() ? a + b : a;
  if (!settings.root_mean_square) return {sum, at::layer_norm(sum, {sum.size(1)}, weight, bias, settings.epsilon)};
  return {sum, sum * at::rsqrt((sum * sum).mean({-1}, true) + settings.epsilon) * weight};
}

Tensor rotate(const Tensor& x, const Rotation& rotation) {
  const std::int64_t tokens = x.size(0), pairs = rotation.cosines.size(1), turned = 2 * pairs;
  const Tensor heads = x.view({tokens, -1, rotation.head_dim});
  const Tensor cosines = rotation.cosines.unsqueeze(1), sines = rotation.sines.unsqueeze(1);
  const auto part = [&](std::int64_t which) {
    return rotation.interleaved ? heads.slice(2, which, turned, 2) : heads.narrow(2, which * pairs, pairs);
  };
  const Tensor a = part(0), b = part(1), first = a * cosines - b * sines, second = b * cosines + a * sines;
  const Tensor rest = heads.narrow(2, turned, rotation.head_dim - turned);
  const Tensor both = rotation.interleaved ? at::stack({first, second}, 3).flatten(2) : at::cat({first, second}, 2);
  return at::cat({both, rest}, 2).view(x.sizes());
}

Tensor owners_on(at::Device device, const TokenOwners& owners) {
  if (!owners.on_device.defined() || owners.on_device.device() != device) {
    std::vector<std::uint32_t> both = owners.example;
    both.insert(both.end(), owners.position.begin(), owners.position.end());
    owners.on_device = index_tensor(both, device).view({2, -1});
  }
  return owners.on_device;
}

Tensor dropped(const Tensor& x, double rate, Key key, std::uint32_t step, const Tensor& owners) {
  const Tensor in = x.contiguous(), y = at::empty_like(in);
  const std::int64_t tokens = in.size(0), width = in.size(1);
  const auto* example = owners.const_data_ptr<std::int64_t>();
  run<device::dropout_thread>(
      "dropout", x.is_cuda(), tokens * ((width + 63) / 64) * 16,
      device::Dropout{draw_of(rate, key, step), tokens, width, example, example + owners.size(1),
                      in.const_data_ptr<float>(), y.mutable_data_ptr<float>()});
  return y;
}

Attended attention(const AttentionInputs& given, const AttentionCall& call) {
  Attended a;
  a.heads = call.heads;
  a.kv_heads = call.kv_heads > 0 ? call.kv_heads : call.heads;
  const AttentionInputs in = in_fours(given, a.heads, a.kv_heads);
  a.rows = rows_of(call, in.q.device());
  const device::RowTables& tables = a.rows->tables;
  const std::int64_t extra = in.extra_k.defined() ? in.extra_k.size(1) : 0;
  const std::int64_t fours = call.heads * (a.rows->pairs + extra * tables.quads);
  a.out = at::empty_like(in.q);
  a.scores = at::empty({fours, 4}, in.q.options());
  a.norms = at::empty({call.heads, tables.quads, 2, 4}, in.q.options());
  if (call.dropout > 0) a.factors = at::empty({fours, 4}, in.q.options());
  device::Attention shape = shape_of(in, a, given.q.size(1) / call.heads);
  shape.draw = draw_of(call.dropout, call.key, call.step);
  shape.causal = call.causal ? 1 : 0;  // for the scores, which are kept
  const bool on_cuda = in.q.is_cuda();
  run<device::attention_scores_thread>("attention_scores", on_cuda, call.heads * tables.quads * shape.longest, shape);
  run<device::attention_out_thread>("attention_out", on_cuda, device::all_quads(shape) * shape.width / 4, shape);
  a.out = out_of_fours(a.out, call.heads, given.q.size(1));
  return a;
}

AttentionInputs attention_gradients(const AttentionInputs& given, const Attended& attended, const Tensor& up) {
  const std::int64_t heads = attended.heads, width = given.q.size(1);
  const AttentionInputs in = in_fours(given, heads, attended.kv_heads);
  const auto gradient_on = [](const Tensor& x) { return x.defined() ? at::empty_like(x) : x; };
  AttentionInputs out{gradient_on(in.q), gradient_on(in.k), gradient_on(in.v), gradient_on(in.extra_k),
                      gradient_on(in.extra_v)};
  Attended a = attended;
  a.out = in_fours(attended.out, heads);
  const Tensor out_gradient = in_fours(up.contiguous(), heads);
  const Tensor by_score = at::empty_like(a.scores), weights = at::empty_like(a.scores);
  device::AttentionGradient g{
      shape_of(in, a, width / heads),  out_gradient.const_data_ptr<float>(), fours_or_null(by_score),
      fours_or_null(weights),          out.q.mutable_data_ptr<float>(),      out.k.mutable_data_ptr<float>(),
      out.v.mutable_data_ptr<float>(), mutable_or_null(out.extra_k),         mutable_or_null(out.extra_v)};
  const device::Attention& shape = g.forward;
  const std::int64_t extra_lines = shape.extra * (shape.extra_stride > 0 ? shape.tables.rows : 1);
  const std::int64_t lines = shape.k_lines + device::all_quads(shape) + extra_lines;
  const bool on_cuda = in.q.is_cuda();
  run<device::attention_scores_gradient_thread>("attention_scores_gradient", on_cuda,
                                                heads * shape.tables.quads * shape.longest, g);
  run<device::attention_gradients_thread>("attention_gradients", on_cuda, lines * shape.width / 4, g);
  out.q = out_of_fours(out.q, heads, width);
  for (Tensor* tensor : {&out.k, &out.v, &out.extra_k, &out.extra_v})
    *tensor = out_of_fours(*tensor, attended.kv_heads, given.k.size(1));
  return out;
}

double squares(const Tensor& x) {
  const Tensor wide = x.to(at::kDouble);
  return at::sum(wide * wide).item<double>();
}

void adamw(const AdamWStep& step, const Tensor& decays, const Tensor& gradient, const Tensor& values,
           const Tensor& first, const Tensor& second) {
  const auto narrow = [](double x) { return static_cast<float>(x); };
  run<device::adamw_thread>(
      "adamw", values.is_cuda(), values.numel(),
      device::AdamW{narrow(step.rate / step.correction1), narrow(1 - step.rate * step.decay), narrow(step.beta1),
                    narrow(1 - step.beta1), narrow(step.beta2), narrow(1 - step.beta2), narrow(step.epsilon),
                    narrow(1 / std::sqrt(step.correction2)), narrow(step.gradient_scale),
                    decays.const_data_ptr<float>(), gradient.const_data_ptr<float>(), values.mutable_data_ptr<float>(),
                    first.mutable_data_ptr<float>(), second.mutable_data_ptr<float>()});
}

}  // namespace peftgrid::worker::cuda_ops
