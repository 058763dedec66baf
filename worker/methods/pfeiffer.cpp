#include "worker/methods/method.hpp"
#include "worker/methods/parts/bottleneck.hpp"

namespace peftgrid::worker {

namespace {

/// Pfeiffer's adapter (AdapterFusion, EACL 2021; library adapters: SeqBnConfig): after the feed-forward block, reading
/// the residual stream, h' = h_F + W_up relu(W_down joined + b_down) + b_up. Weights N(0, 0.02), biases 0.
class Pfeiffer : public Method {
 public:
  explicit Pfeiffer(const MethodSetup& setup) : trained_(setup.facts.parameters), activation_(activation_of(setup)) {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      layers_.push_back(make_bottleneck("layer." + std::to_string(layer) + ".adapter", setup,
                                        static_cast<std::uint32_t>(layer) << 8U, {}, trained_));
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    if (call.site != Site::FfnBranch) return {};
    return layers_[static_cast<std::size_t>(call.layer)](call.joined(), activation_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  std::string activation_;
  std::vector<Bottleneck> layers_;
};

}  // namespace

std::unique_ptr<Method> make_pfeiffer(const MethodSetup& setup) {
  return std::make_unique<Pfeiffer>(setup);
}

}  // namespace peftgrid::worker
