// The only file that includes custom_function.h: it costs 10 s to compile (design.md 3.3).
#include "worker/kernels/functions.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "worker/kernels/vector_kernels.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// oneDNN's product, reached through the dispatcher: LibTorch has no C++ name for it.
Tensor onednn_linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  using Signature = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto product =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<Signature>();
  return product.call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

/// gradient · weight. On Intel MKL takes a weight that is not turned faster than oneDNN does, elsewhere it is slower
/// (docs/performance.md).
Tensor input_gradient(const Tensor& gradient, const Tensor& weight) {
  static const bool by_mkl = __builtin_cpu_is("intel") != 0;
  return by_mkl ? at::mm(gradient, weight) : onednn_linear(gradient, weight.t(), std::nullopt);
}

Tensor bf16_product(const Tensor& x, const Tensor& weight) {
  const Tensor narrow = x.to(at::kBFloat16);
  return has_fast_bf16() ? onednn_linear(narrow, weight, std::nullopt) : at::linear(narrow, weight);
}

Tensor widen(const Tensor& x, const Tensor& bias) {
  Tensor y = at::empty(x.sizes(), x.options().dtype(at::kFloat));
  kernels::table().widen(static_cast<const std::uint16_t*>(x.const_data_ptr()),
                         bias.defined() ? bias.const_data_ptr<float>() : nullptr, y.mutable_data_ptr<float>(),
                         x.size(0), x.size(1));
  return y;
}

struct FrozenLinear : torch::autograd::Function<FrozenLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->saved_data["weight"] = weight;
    if (weight.scalar_type() == at::kBFloat16) return widen(bf16_product(x, weight), bias.value_or(Tensor()));
    return onednn_linear(x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor weight = context->saved_data["weight"].toTensor();
    const Tensor gradient = gradients[0].contiguous();
    if (weight.scalar_type() == at::kBFloat16) return {widen(bf16_product(gradient, weight.t()), {}), {}, {}};
    return {input_gradient(gradient, weight), {}, {}};
  }
};

struct TrainedLinear : torch::autograd::Function<TrainedLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->save_for_backward({x, weight, bias.value_or(Tensor())});
    return onednn_linear(x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    Tensor x_gradient, bias_gradient;
    if (context->needs_input_grad(0)) x_gradient = input_gradient(gradient, saved[1]);
    if (saved[2].defined()) bias_gradient = gradient.sum(0);
    return {x_gradient, at::mm(gradient.t(), saved[0]), bias_gradient};
  }
};

kernels::TokenStream stream_of(Key key, std::uint32_t step, const TokenOwners& owners) {
  return {key.a, key.b, step, owners.example.data(), owners.position.data()};
}

Tensor drop(const Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners) {
  Tensor y = at::empty_like(x);
  kernels::table().dropout(x.const_data_ptr<float>(), y.mutable_data_ptr<float>(), x.size(0), x.size(1),
                           static_cast<float>(rate), stream_of(key, step, owners));
  return y;
}

/// The mask is not kept: the backward pass draws the same numbers again, which is cheaper than remembering them.
struct Dropout : torch::autograd::Function<Dropout> {
  static Tensor forward(AutogradContext* context, const Tensor& x, double rate, std::int64_t key_a, std::int64_t key_b,
                        std::int64_t step, std::shared_ptr<const TokenOwners> owners) {
    const Key key{static_cast<std::uint32_t>(key_a), static_cast<std::uint32_t>(key_b)};
    Tensor y = drop(x.contiguous(), rate, key, static_cast<std::uint32_t>(step), *owners);
    context->saved_data["rate"] = rate;
    context->saved_data["key_a"] = key_a;
    context->saved_data["key_b"] = key_b;
    context->saved_data["step"] = step;
    context->saved_data["owners"] = c10::IValue::make_capsule(c10::make_intrusive<Held>(std::move(owners)));
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto number = [&](const char* name) { return static_cast<std::uint32_t>(context->saved_data[name].toInt()); };
    const auto held = c10::static_intrusive_pointer_cast<Held>(context->saved_data["owners"].toCapsule());
    return {drop(gradients[0].contiguous(), context->saved_data["rate"].toDouble(), {number("key_a"), number("key_b")},
                 number("step"), *held->owners),
            {},
            {},
            {},
            {},
            {}};
  }

 private:
  struct Held : torch::CustomClassHolder {
    explicit Held(std::shared_ptr<const TokenOwners> o) : owners(std::move(o)) {}
    std::shared_ptr<const TokenOwners> owners;
  };
};

kernels::AttentionShape shape_of(const Tensor& q, const Tensor& extra_k, const AttentionCall& call) {
  kernels::AttentionShape shape{};
  shape.rows = static_cast<std::int64_t>(call.offsets->size()) - 1;
  shape.heads = call.heads;
  shape.head_dim = q.size(1) / call.heads;
  shape.offsets = call.offsets->data();
  shape.query = call.query ? call.query->data() : nullptr;
  shape.extra = extra_k.defined() ? extra_k.size(1) : 0;
  shape.extra_row_stride = extra_k.defined() && extra_k.size(0) > 1 ? extra_k.size(1) * extra_k.size(2) : 0;
  shape.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(shape.head_dim)));
  shape.dropout = static_cast<float>(call.dropout);
  shape.stream = stream_of(call.key, call.step, *call.owners);
  return shape;
}

const float* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

struct HeldCall : torch::CustomClassHolder {
  explicit HeldCall(AttentionCall c) : call(std::move(c)) {}
  AttentionCall call;
};

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
    context->saved_data["call"] = c10::IValue::make_capsule(c10::make_intrusive<HeldCall>(call));
    return out;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto held = c10::static_intrusive_pointer_cast<HeldCall>(context->saved_data["call"].toCapsule());
    const kernels::AttentionShape shape = shape_of(saved[0], saved[3], held->call);
    const Tensor out_gradient = gradients[0].contiguous();
    Tensor gq = at::empty_like(saved[0]), gk = at::empty_like(saved[1]), gv = at::empty_like(saved[2]), gek, gev;
    clear_behind(gq, lines_of(shape));
    for (const Tensor& gradient : {gk, gv}) clear_behind(gradient, shape.offsets[shape.rows]);
    if (saved[3].defined()) {
      gek = at::zeros_like(saved[3]);
      gev = at::zeros_like(saved[4]);
    }
    kernels::table().attention_backward(
        shape, saved[0].const_data_ptr<float>(), saved[1].const_data_ptr<float>(), saved[2].const_data_ptr<float>(),
        data_or_null(saved[3]), data_or_null(saved[4]), saved[5].const_data_ptr<float>(),
        out_gradient.const_data_ptr<float>(), gq.mutable_data_ptr<float>(), gk.mutable_data_ptr<float>(),
        gv.mutable_data_ptr<float>(), gek.defined() ? gek.mutable_data_ptr<float>() : nullptr,
        gev.defined() ? gev.mutable_data_ptr<float>() : nullptr);
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

/// Autograd's functions take an absent tensor as an empty optional only.
std::optional<Tensor> given(const Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.requires_grad()) return TrainedLinear::apply(x, weight, given(bias));
  return FrozenLinear::apply(x, weight, given(bias));
}

Tensor dropout(const Tensor& x, double rate, Key key, std::uint32_t step, std::shared_ptr<const TokenOwners> owners) {
  if (rate <= 0) return x;
  return Dropout::apply(x, rate, static_cast<std::int64_t>(key.a), static_cast<std::int64_t>(key.b),
                        static_cast<std::int64_t>(step), std::move(owners));
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& extra_k, const Tensor& extra_v,
                 const AttentionCall& call) {
  const auto whole = [](const Tensor& t) { return given(t.defined() ? t.contiguous() : t); };
  return Attention::apply(q.contiguous(), k.contiguous(), v.contiguous(), whole(extra_k), whole(extra_v), call);
}

bool has_fast_bf16() {
  static const bool works = [] {
    try {
      const Tensor x = at::ones({16, 16}, at::kBFloat16);
      onednn_linear(x, x, std::nullopt);
      return true;
    } catch (const c10::Error&) {
      return false;
    }
  }();
  return works;
}

}  // namespace peftgrid::worker
