#include "worker/methods/parts/feed_forward_adapter.hpp"

#include <ATen/TensorOperators.h>

namespace peftgrid::worker {

namespace {

class FeedForwardAdapter : public Method {
 public:
  FeedForwardAdapter(const MethodSetup& setup, std::string activation, const BottleneckStart& start)
      : trained_(setup.facts.parameters), activation_(std::move(activation)) {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      layers_.push_back(make_bottleneck("layer." + std::to_string(layer) + ".adapter", setup,
                                        static_cast<std::uint32_t>(layer) << 8U, start, trained_));
    }
  }
  std::vector<Trained> parameters() const override { return trained_.all(); }

 protected:
  at::Tensor adapt(std::int64_t layer, const at::Tensor& x) const {
    return layers_[static_cast<std::size_t>(layer)](x, activation_);
  }

 private:
  Parameters trained_;
  std::string activation_;
  std::vector<Bottleneck> layers_;
};

class Serial : public FeedForwardAdapter {
 public:
  Serial(const MethodSetup& setup, const std::string& activation) : FeedForwardAdapter(setup, activation, {}) {}

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    return call.site == Site::FfnBranch ? adapt(call.layer, call.joined()) : at::Tensor();
  }
};

class Parallel : public FeedForwardAdapter {
 public:
  Parallel(const MethodSetup& setup, const std::string& activation, double scale)
      : FeedForwardAdapter(setup, activation, {BottleneckStart::Draw::KaimingThenZero}), scale_(scale) {}

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    return call.site == Site::FfnBranch ? adapt(call.layer, call.residual) * scale_ : at::Tensor();
  }

 private:
  double scale_;
};

}  // namespace

std::unique_ptr<Method> make_serial_adapter(const MethodSetup& setup, const std::string& activation) {
  return std::make_unique<Serial>(setup, activation);
}

std::unique_ptr<Method> make_parallel_adapter(const MethodSetup& setup, const std::string& activation, double scale) {
  return std::make_unique<Parallel>(setup, activation, scale);
}

}  // namespace peftgrid::worker
