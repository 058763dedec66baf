#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <utility>

#include "worker/kernels/cuda/cuda_ops.hpp"

/// For functions.cpp only: operators of cuda_ops.hpp with their gradients.
namespace peftgrid::worker {

/// A value of ours among what autograd keeps for the backward pass.
template <typename Value>
struct Held : torch::CustomClassHolder {
  explicit Held(Value v) : value(std::move(v)) {}
  Value value;
  static c10::IValue make(Value value) {
    return c10::IValue::make_capsule(c10::make_intrusive<Held>(std::move(value)));
  }
  static const Value& of(const c10::IValue& kept) {
    return c10::static_intrusive_pointer_cast<Held>(kept.toCapsule())->value;
  }
};

/// Draws its factors again in the backward pass: a kernel that only reads and writes has time for it.
struct DeviceDropout : torch::autograd::Function<DeviceDropout> {
  struct Drawn {
    double rate;
    Key key;
    std::uint32_t step;
  };
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const Drawn& drawn,
                            const TokenOwners& owners) {
    const at::Tensor on_device = cuda_ops::owners_on(x.device(), owners);
    context->save_for_backward({on_device});
    context->saved_data["drawn"] = Held<Drawn>::make(drawn);
    return cuda_ops::dropped(x, drawn.rate, drawn.key, drawn.step, on_device);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const Drawn& drawn = Held<Drawn>::of(context->saved_data["drawn"]);
    const at::Tensor owners = context->get_saved_variables()[0];
    return {cuda_ops::dropped(gradients[0], drawn.rate, drawn.key, drawn.step, owners), {}, {}};
  }
};

struct DeviceAttention : torch::autograd::Function<DeviceAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const std::optional<at::Tensor>& some_k,
                            const std::optional<at::Tensor>& some_v, const AttentionCall& call) {
    const cuda_ops::AttentionInputs in{q, k, v, some_k.value_or(at::Tensor()), some_v.value_or(at::Tensor())};
    cuda_ops::Attended a = cuda_ops::attention(in, call);
    const at::Tensor out = a.out;
    context->save_for_backward({q, k, v, in.extra_k, in.extra_v, a.out, a.scores, a.norms, a.factors});
    a.out = a.scores = a.norms = a.factors = at::Tensor();
    context->saved_data["rows"] = Held<cuda_ops::Attended>::make(std::move(a));
    return out;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    cuda_ops::Attended a = Held<cuda_ops::Attended>::of(context->saved_data["rows"]);
    a.out = saved[5];
    a.scores = saved[6];
    a.norms = saved[7];
    a.factors = saved[8];
    const cuda_ops::AttentionInputs g =
        cuda_ops::attention_gradients({saved[0], saved[1], saved[2], saved[3], saved[4]}, a, gradients[0]);
    return {g.q, g.k, g.v, g.extra_k, g.extra_v, {}};
  }
};

}  // namespace peftgrid::worker
