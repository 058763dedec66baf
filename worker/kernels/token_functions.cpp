// What acts on each token alone: activations, norms, rotary positions. See functions.cpp on custom_function.h.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/cuda/cuda_ops.hpp"
#include "worker/kernels/functions.hpp"
#include "worker/kernels/optional_tensor.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Keeps the slope instead of x: one exponential serves both passes.
struct Gelu : torch::autograd::Function<Gelu> {
  static Tensor forward(AutogradContext* context, const Tensor& x, GeluForm form) {
    const Tensor in = x.contiguous();
    Tensor y = at::empty_like(in), slope;
    if (x.requires_grad()) slope = at::empty_like(in);
    const auto loop = form == GeluForm::Tanh ? kernels::table().gelu_tanh : kernels::table().gelu;
    loop(in.const_data_ptr<float>(), y.mutable_data_ptr<float>(), mutable_or_null(slope), in.numel());
    context->save_for_backward({slope});
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {gradients[0] * context->get_saved_variables()[0], {}};
  }
};

struct SiluGate : torch::autograd::Function<SiluGate> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    Tensor y = at::empty_like(gate);
    kernels::table().silu_gate(gate.const_data_ptr<float>(), up.const_data_ptr<float>(), y.mutable_data_ptr<float>(),
                               gate.numel());
    context->save_for_backward({gate, up});
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor down = gradients[0].contiguous();
    Tensor gate = at::empty_like(down), up = at::empty_like(down);
    kernels::table().silu_gate_backward(saved[0].const_data_ptr<float>(), saved[1].const_data_ptr<float>(),
                                        down.const_data_ptr<float>(), gate.mutable_data_ptr<float>(),
                                        up.mutable_data_ptr<float>(), down.numel());
    return {gate, up};
  }
};

/// A turn keeps lengths: its gradient turns back.
struct Rotary : torch::autograd::Function<Rotary> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Rotation& rotation) {
    context->save_for_backward({rotation.cosines, rotation.sines});
    context->saved_data["head_dim"] = rotation.head_dim;
    context->saved_data["interleaved"] = rotation.interleaved;
    return turned(x, rotation, 1);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Rotation back{saved[0], saved[1], context->saved_data["head_dim"].toInt(),
                        context->saved_data["interleaved"].toBool()};
    return {turned(gradients[0].contiguous(), back, -1), {}};
  }

 private:
  static Tensor turned(const Tensor& x, const Rotation& rotation, float direction) {
    Tensor y = at::empty_like(x);
    const kernels::RotaryShape shape{x.size(0), x.size(1) / rotation.head_dim, rotation.head_dim,
                                     2 * rotation.cosines.size(1), rotation.interleaved};
    kernels::table().rotary(shape, x.const_data_ptr<float>(), rotation.cosines.const_data_ptr<float>(),
                            rotation.sines.const_data_ptr<float>(), y.mutable_data_ptr<float>(), direction);
    return y;
  }
};

kernels::NormShape shape_of(const Tensor& x, const NormSettings& settings) {
  return {x.size(0), x.size(1), static_cast<float>(settings.epsilon), settings.root_mean_square};
}

/// The sum is an output too: methods may read it, and the backward pass needs it anyway.
struct AddNorm : torch::autograd::Function<AddNorm> {
  static variable_list forward(AutogradContext* context, const Tensor& a, const Tensor& weight,
                               const std::optional<Tensor>& b, const std::optional<Tensor>& bias,
                               const NormSettings& settings) {
    const Tensor one = a.contiguous(), other = b ? b->contiguous() : Tensor();
    Tensor sum = b ? at::empty_like(one) : one, y = at::empty_like(one);
    Tensor kept = at::empty({one.size(0), 2}, one.options());
    kernels::table().add_norm(shape_of(one, settings), one.const_data_ptr<float>(), data_or_null(other),
                              weight.const_data_ptr<float>(), data_or_null(bias.value_or(Tensor())),
                              b ? sum.mutable_data_ptr<float>() : nullptr, y.mutable_data_ptr<float>(),
                              kept.mutable_data_ptr<float>());
    context->set_materialize_grads(false);
    context->save_for_backward({sum, kept, weight});
    context->saved_data["root_mean_square"] = settings.root_mean_square;
    context->saved_data["bias_trains"] = bias && bias->requires_grad();
    if (!b) return {y};
    return {y, sum};
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor by_sum = gradients.size() > 1 && gradients[1].defined() ? gradients[1].contiguous() : Tensor();
    if (!gradients[0].defined()) return {by_sum, {}, by_sum, {}, {}};
    const variable_list saved = context->get_saved_variables();
    const Tensor up = gradients[0].contiguous();
    Tensor gradient = at::empty_like(up), weight_gradient, bias_gradient;
    const bool bias_trains = context->saved_data["bias_trains"].toBool();
    if (context->needs_input_grad(1) || bias_trains) weight_gradient = at::zeros_like(saved[2]);
    if (bias_trains) bias_gradient = at::zeros_like(saved[2]);
    const NormSettings settings{0, context->saved_data["root_mean_square"].toBool()};
    kernels::table().norm_backward(shape_of(up, settings), saved[0].const_data_ptr<float>(),
                                   saved[1].const_data_ptr<float>(), saved[2].const_data_ptr<float>(),
                                   up.const_data_ptr<float>(), data_or_null(by_sum), gradient.mutable_data_ptr<float>(),
                                   mutable_or_null(weight_gradient), mutable_or_null(bias_gradient));
    return {gradient, weight_gradient, gradients.size() > 1 ? gradient : Tensor(), bias_gradient, {}};
  }
};

}  // namespace

Tensor gelu(const Tensor& x, GeluForm form) {
  if (x.is_cpu()) return Gelu::apply(x, form);
  return at::gelu(x, form == GeluForm::Tanh ? "tanh" : "none");
}

Tensor silu_gate(const Tensor& gate, const Tensor& up) {
  return gate.is_cpu() ? SiluGate::apply(gate.contiguous(), up.contiguous()) : at::silu(gate) * up;
}

Tensor rotate(const Tensor& x, const Rotation& rotation) {
  return x.is_cpu() ? Rotary::apply(x.contiguous(), rotation) : cuda_ops::rotate(x, rotation);
}

Normed add_norm(const Tensor& a, const Tensor& b, const Tensor& weight, const Tensor& bias,
                const NormSettings& settings) {
  if (!a.is_cpu()) return cuda_ops::add_norm(a, b, weight, bias, settings);
  const variable_list both = AddNorm::apply(a, weight, given(b), given(bias), settings);
  return {b.defined() ? both[1] : a, both[0]};
}

}  // namespace peftgrid::worker
