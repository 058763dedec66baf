// This file, token_functions.cpp and linear_cross_entropy.cpp alone see custom_function.h:
// it costs 10 s to compile.
#include "worker/kernels/functions.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/cuda/cuda_ops.hpp"
#include "worker/kernels/cuda/device_functions.hpp"
#include "worker/kernels/lstm.hpp"
#include "worker/kernels/optional_tensor.hpp"
#include "worker/kernels/products.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct FrozenLinear : torch::autograd::Function<FrozenLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->saved_data["weight"] = weight;
    if (weight.scalar_type() == at::kBFloat16) return bf16_product(x, weight, bias);
    return product(x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor weight = context->saved_data["weight"].toTensor();
    const Tensor gradient = gradients[0].contiguous();
    if (weight.scalar_type() == at::kBFloat16) return {bf16_product(gradient, weight.t(), std::nullopt), {}, {}};
    return {input_gradient(gradient, weight), {}, {}};
  }
};

struct TrainedLinear : torch::autograd::Function<TrainedLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->save_for_backward({x, weight, bias.value_or(Tensor())});
    return product(x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    Tensor x_gradient, bias_gradient;
    if (context->needs_input_grad(0)) x_gradient = input_gradient(gradient, saved[1]);
    if (saved[2].defined()) bias_gradient = gradient.sum(0);
    return {x_gradient, weight_gradient(gradient, saved[0], saved[1]), bias_gradient};
  }

 private:
  /// A parameter's is added where it gathers, by the product itself: a tensor of its own and a sum took 2 % of a step.
  static Tensor weight_gradient(const Tensor& gradient, const Tensor& x, const Tensor& weight) {
    if (!weight.is_leaf() || !weight.grad().defined()) return worker::weight_gradient(gradient, x);
    add_weight_gradient(gradient, x, weight.grad());
    return {};
  }
};

kernels::TokenStream stream_of(Key key, std::uint32_t step, const TokenOwners& owners) {
  return {key.a, key.b, step, owners.example.data(), owners.position.data()};
}

/// Remembering which numbers were kept, a byte each, is cheaper than drawing them again.
struct Dropout : torch::autograd::Function<Dropout> {
  static Tensor forward(AutogradContext* context, const Tensor& x, double rate, const kernels::TokenStream& stream) {
    const Tensor in = x.contiguous();
    Tensor y = at::empty_like(in), mask;
    if (x.requires_grad()) mask = at::empty(in.sizes(), in.options().dtype(at::kChar));
    kernels::table().dropout(in.const_data_ptr<float>(), y.mutable_data_ptr<float>(),
                             mask.defined() ? mask.mutable_data_ptr<std::int8_t>() : nullptr, in.size(0), in.size(1),
                             static_cast<float>(rate), stream);
    context->saved_data["factor"] = 1.0 / (1.0 - rate);
    context->save_for_backward({mask});
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor up = gradients[0].contiguous(), mask = context->get_saved_variables()[0];
    Tensor gradient = at::empty_like(up);
    kernels::table().dropout_backward(up.const_data_ptr<float>(), mask.const_data_ptr<std::int8_t>(),
                                      gradient.mutable_data_ptr<float>(), up.numel(),
                                      static_cast<float>(context->saved_data["factor"].toDouble()));
    return {gradient, {}, {}};
  }
};

struct LowRank : torch::autograd::Function<LowRank> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& down, const Tensor& up,
                        double factor) {
    const Tensor in = x.contiguous();
    const kernels::LowRankShape shape = shape_of(in, down, up, factor);
    Tensor out = at::empty({shape.tokens, shape.out}, in.options());
    Tensor projected = at::empty({shape.tokens, kernels::low_rank_width(shape.rank)}, in.options());
    kernels::table().low_rank(shape, in.const_data_ptr<float>(), down.const_data_ptr<float>(),
                              up.const_data_ptr<float>(), out.mutable_data_ptr<float>(),
                              projected.mutable_data_ptr<float>());
    context->saved_data["factor"] = factor;
    context->save_for_backward({in, down, up, projected});
    return out;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &down = saved[1], &up = saved[2], gradient = gradients[0].contiguous();
    Tensor x_gradient, down_gradient = at::empty_like(down), up_gradient = at::empty_like(up);
    if (context->needs_input_grad(0)) x_gradient = at::empty_like(x);
    kernels::table().low_rank_backward(shape_of(x, down, up, context->saved_data["factor"].toDouble()),
                                       x.const_data_ptr<float>(), down.const_data_ptr<float>(),
                                       up.const_data_ptr<float>(), saved[3].const_data_ptr<float>(),
                                       gradient.const_data_ptr<float>(), mutable_or_null(x_gradient),
                                       down_gradient.mutable_data_ptr<float>(), up_gradient.mutable_data_ptr<float>());
    return {x_gradient, down_gradient, up_gradient, {}};
  }

 private:
  static kernels::LowRankShape shape_of(const Tensor& x, const Tensor& down, const Tensor& up, double factor) {
    return {x.size(0), x.size(1), up.size(0), down.size(0), static_cast<float>(factor)};
  }
};

struct Lstm : torch::autograd::Function<Lstm> {
  static Tensor forward(AutogradContext* context, const Tensor& gates, const Tensor& recurrent, bool backwards) {
    const LstmSteps steps = run_lstm(gates, recurrent, backwards);
    context->saved_data["backwards"] = backwards;
    context->save_for_backward({steps.states, steps.cells, steps.gates, recurrent});
    return steps.states;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const LstmGradients found = lstm_gradients({saved[0], saved[1], saved[2]}, saved[3], gradients[0],
                                               context->saved_data["backwards"].toBool());
    return {found.gates, found.recurrent, {}};
  }
};

kernels::AttentionShape shape_of(const Tensor& q, const Tensor& extra_k, const AttentionCall& call) {
  kernels::AttentionShape shape{};
  shape.rows = static_cast<std::int64_t>(call.offsets->size()) - 1;
  shape.heads = call.heads;
  shape.kv_heads = call.kv_heads > 0 ? call.kv_heads : call.heads;
  shape.head_dim = q.size(1) / call.heads;
  shape.offsets = call.offsets->data();
  shape.query = call.query ? call.query->data() : nullptr;
  shape.keys = call.keys ? call.keys->data() : nullptr;
  shape.causal = call.causal;
  shape.extra = extra_k.defined() ? extra_k.size(1) : 0;
  shape.extra_row_stride = extra_k.defined() && extra_k.size(0) > 1 ? extra_k.size(1) * extra_k.size(2) : 0;
  shape.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(shape.head_dim)));
  shape.dropout = static_cast<float>(call.dropout);
  shape.stream = stream_of(call.key, call.step, *call.owners);
  return shape;
}

struct Attention : torch::autograd::Function<Attention> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::optional<Tensor>& some_k, const std::optional<Tensor>& some_v,
                        const AttentionCall& call) {
    const Tensor extra_k = some_k.value_or(Tensor()), extra_v = some_v.value_or(Tensor());
    const kernels::AttentionShape shape = shape_of(q, extra_k, call);
    Tensor out = at::empty_like(q);
    clear_behind(out, lines_of(shape));
    const bool keep = q.requires_grad() || k.requires_grad() || v.requires_grad() ||
                      (extra_k.defined() && (extra_k.requires_grad() || extra_v.requires_grad()));
    Tensor kept;
    if (keep) kept = at::empty({kernels::attention_kept_size(shape)}, q.options());
    kernels::table().attention(shape, q.const_data_ptr<float>(), k.const_data_ptr<float>(), v.const_data_ptr<float>(),
                               data_or_null(extra_k), data_or_null(extra_v), out.mutable_data_ptr<float>(),
                               keep ? kept.mutable_data_ptr<float>() : nullptr);
    context->save_for_backward({q, k, v, extra_k, extra_v, kept});
    context->saved_data["call"] = Held<AttentionCall>::make(call);
    return out;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const AttentionCall& call = Held<AttentionCall>::of(context->saved_data["call"]);
    const kernels::AttentionShape shape = shape_of(saved[0], saved[3], call);
    const Tensor out_gradient = gradients[0].contiguous();
    Tensor gq = at::empty_like(saved[0]), gk = at::empty_like(saved[1]), gv = at::empty_like(saved[2]), gek, gev;
    clear_behind(gq, lines_of(shape));
    // What is no key gets nothing, wherever in its row it stands.
    for (const Tensor& gradient : {gk, gv}) clear_behind(gradient, call.keys ? 0 : shape.offsets[shape.rows]);
    if (saved[3].defined()) {
      gek = at::zeros_like(saved[3]);
      gev = at::zeros_like(saved[4]);
    }
    kernels::table().attention_backward(
        shape, saved[0].const_data_ptr<float>(), saved[1].const_data_ptr<float>(), saved[2].const_data_ptr<float>(),
        data_or_null(saved[3]), data_or_null(saved[4]), saved[5].const_data_ptr<float>(),
        out_gradient.const_data_ptr<float>(), gq.mutable_data_ptr<float>(), gk.mutable_data_ptr<float>(),
        gv.mutable_data_ptr<float>(), mutable_or_null(gek), mutable_or_null(gev));
    return {gq, gk, gv, gek, gev, {}};
  }

 private:
  static std::int64_t lines_of(const kernels::AttentionShape& shape) {
    return shape.query != nullptr ? shape.rows : shape.offsets[shape.rows];
  }
  static void clear_behind(const Tensor& tensor, std::int64_t real) {
    if (real < tensor.size(0)) tensor.narrow(0, real, tensor.size(0) - real).zero_();
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (!x.is_cpu()) return cuda_ops::linear(x, weight, bias);
  if (weight.requires_grad()) return TrainedLinear::apply(x, weight, given(bias));
  if (bias.defined() && bias.requires_grad()) return at::add(FrozenLinear::apply(x, weight, std::nullopt), bias);
  return FrozenLinear::apply(x, weight, given(bias));
}

Tensor low_rank(const Tensor& x, const Tensor& down, const Tensor& up, double factor) {
  if (!x.is_cpu()) return at::linear(at::linear(x, down) * factor, up);
  return LowRank::apply(x, down, up, factor);
}

Tensor dropout(const Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners) {
  if (rate <= 0) return x;
  if (!x.is_cpu()) return DeviceDropout::apply(x, DeviceDropout::Drawn{rate, key, step}, owners);
  return Dropout::apply(x, rate, stream_of(key, step, owners));
}

Tensor lstm(const Tensor& gates, const Tensor& recurrent, bool backwards) {
  return Lstm::apply(gates.contiguous(), recurrent, backwards);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& extra_k, const Tensor& extra_v,
                 const AttentionCall& call) {
  const auto whole = [](const Tensor& t) { return given(t.defined() ? t.contiguous() : t); };
  if (!q.is_cpu()) {
    return DeviceAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), whole(extra_k), whole(extra_v), call);
  }
  return Attention::apply(q.contiguous(), k.contiguous(), v.contiguous(), whole(extra_k), whole(extra_v), call);
}

}  // namespace peftgrid::worker
