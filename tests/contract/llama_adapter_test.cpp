// A prompt that is attended to apart from the text.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "tests/contract/subjects.hpp"

namespace peftgrid::tests {
namespace {

constexpr std::int64_t kLines = 6;

/// By how much it scales `core` in layer 0 with all gates at `gate`, where each value, a prompt's or a
/// text's, is the layer's bias: then the weights' sum over a line is what the bias is multiplied by.
std::vector<float> sums_of(const char* gate_form, double gate) {
  const Subject& subject = subjects()[0];
  worker::MethodSpec spec = small_method("llama_adapter");
  spec.options["gate"] = std::string(gate_form);
  Network network = network_on(subject, spec);
  auto tensors = network.base().weights().all();
  const std::string weight = "layer.0.value.weight";
  tensors[weight] = at::zeros_like(tensors.at(weight));
  const worker::Weights weights(tensors);
  worker::Borrow base;
  base.weights = &weights;
  const auto method = worker::make_method({spec, network.facts(), network.backbone().facts(), base, 1});
  for (const worker::Trained& p : method->parameters()) {
    if (p.name.ends_with(".gate")) p.tensor.detach().fill_(gate);
  }
  const at::Tensor core = tensors.at("layer.0.value.bias").expand({kLines, 32}).contiguous();
  const at::Tensor queries = at::zeros_like(core);
  set_values(queries, worker::normal({7, 7}, queries.numel(), 2));
  method->begin({});
  return values_of((core + method->delta({worker::Site::AttnCore, 0, queries, core}, {})) / core);
}

TEST(LlamaAdapter, WeightsOfALineSumUpToOneAndTheGate) {
  for (const double g : {-0.7, 0.0, 1.3}) {
    for (const float sum : sums_of("head", g)) EXPECT_NEAR(sum, 1 + std::tanh(g), 1e-5) << "tanh(" << g << ")";
    for (const float sum : sums_of("layer", g)) EXPECT_NEAR(sum, 1 + g, 1e-5) << g;
  }
}

TEST(LlamaAdapter, WithItsGatesShutIsTheBaseToTheBit) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network bare = network_on(subject, small_method("head"), 1, 0);
    Network fresh = network_on(subject, small_method("llama_adapter"), 1, 0);
    EXPECT_EQ(values_of(fresh.representation(some_rows(5))), values_of(bare.representation(some_rows(5))));
  }
}

}  // namespace
}  // namespace peftgrid::tests
