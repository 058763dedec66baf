#include <ATen/core/grad_mode.h>
#include <ATen/ops/relu.h>

#include "worker/methods/parts/bidirectional_lstm.hpp"
#include "worker/methods/parts/dense_network.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// P-tuning (Liu et al., 2021, arXiv 2103.10385) with a frozen model, in the form of peft's PromptEncoder: the vectors
/// in front of the text are a network's output on trained embeddings E [P, d], N(0, 1) at start. mlp: three dense
/// layers, ReLU between; lstm: two bidirectional layers over the P vectors, then two dense ones. The network runs once
/// a pass, and the vectors are what is stored.
class Ptuning : public Method {
 public:
  explicit Ptuning(const MethodSetup& setup)
      : trained_(setup.facts.parameters), by_lstm_(text_option(setup.spec, "encoder") == "lstm") {
    constexpr std::uint32_t kNetwork = 1, kLstm = 16;  // random streams from here on
    embedding_ = trained_.normal("prompt_embedding", setup.start(0), 1.0);
    if (by_lstm_) lstm_ = {trained_, setup, "prompt_lstm", kLstm};
    network_ = {trained_, setup, "prompt_network", at::relu, kNetwork};
  }

  void begin(const Pass& /*pass*/) override { made_ = make(); }
  at::Tensor prompt() override { return made_; }
  std::vector<Trained> parameters() const override { return trained_.all(); }

  std::vector<Stored> stored() override {
    const at::NoGradGuard no_gradient;
    return {{"prompt", make()}};
  }

 private:
  at::Tensor make() const { return network_(by_lstm_ ? lstm_(embedding_) : embedding_); }

  Parameters trained_;
  bool by_lstm_;
  at::Tensor embedding_, made_;  // [P, width]; made_ in the latest pass
  BidirectionalLstm lstm_;
  DenseNetwork network_;
};

}  // namespace

std::unique_ptr<Method> make_ptuning(const MethodSetup& setup) {
  return std::make_unique<Ptuning>(setup);
}

}  // namespace peftgrid::worker
