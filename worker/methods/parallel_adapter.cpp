#include <ATen/TensorOperators.h>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/bottleneck.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// The parallel adapter (He et al., "Towards a unified view of parameter-efficient transfer learning", ICLR 2022;
/// library adapters: ParBnConfig): the feed-forward branch gets s f(h), h the stream that it is added to. W_down
/// uniform in ±1/sqrt(width), W_up 0: the identity at start.
class ParallelAdapter : public Method {
 public:
  explicit ParallelAdapter(const MethodSetup& setup)
      : trained_(setup.facts.parameters), activation_(activation_of(setup)), scale_(real_option(setup.spec, "scale")) {
    const BottleneckStart start{BottleneckStart::Draw::KaimingThenZero};
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      layers_.push_back(make_bottleneck("layer." + std::to_string(layer) + ".adapter", setup,
                                        static_cast<std::uint32_t>(layer) << 8U, start, trained_));
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    if (call.site != Site::FfnBranch) return {};
    return layers_[static_cast<std::size_t>(call.layer)](call.residual, activation_) * scale_;
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  std::string activation_;
  double scale_;
  std::vector<Bottleneck> layers_;
};

}  // namespace

std::unique_ptr<Method> make_parallel_adapter(const MethodSetup& setup) {
  return std::make_unique<ParallelAdapter>(setup);
}

}  // namespace peftgrid::worker
