#include "worker/methods/parts/bottleneck.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>

#include <cmath>

#include "worker/plan/options.hpp"

namespace peftgrid::worker {

at::Tensor Bottleneck::operator()(const at::Tensor& x, const std::string& activation) const {
  const at::Tensor inner = at::linear(x, down, down_bias);
  at::Tensor active;
  if (activation == "relu") active = at::relu(inner);
  if (activation == "gelu") active = at::gelu(inner);
  if (activation == "gelu_new") active = at::gelu(inner, "tanh");
  if (activation == "swish" || activation == "silu") active = at::silu(inner);
  return at::linear(active, up, up_bias);
}

Bottleneck make_bottleneck(const std::string& name, const MethodSetup& setup, std::uint32_t where,
                           const BottleneckStart& start, Parameters& trained) {
  using Draw = BottleneckStart::Draw;
  const std::string down = name + "_down.weight", up = name + "_up.weight";
  const Key first = setup.start(where), second = setup.start(where + 1);
  Bottleneck made;
  switch (start.draw) {
    case Draw::Normal:
      made.down = trained.normal(down, first, start.deviation);
      made.up = trained.normal(up, second, start.deviation);
      break;
    case Draw::TruncatedNormal:
      made.down = trained.truncated_normal(down, first, start.deviation);
      made.up = trained.truncated_normal(up, second, start.deviation);
      break;
    case Draw::KaimingThenZero:
      made.down = trained.uniform(down, first, 1.0 / std::sqrt(static_cast<double>(setup.model.geometry.width)));
      made.up = trained.zeros(up);
      break;
  }
  made.down_bias = trained.zeros(name + "_down.bias");
  made.up_bias = trained.zeros(name + "_up.bias");
  return made;
}

std::string activation_of(const MethodSetup& setup) {
  const std::string& asked = text_option(setup.spec, "activation");
  return asked == "model" ? setup.model.config.activation : asked;
}

}  // namespace peftgrid::worker
