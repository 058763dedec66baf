#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sqrt.h>

#include <cmath>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// DoRA (Liu et al., ICML 2024): the layer is m V / ||V|| by lines, V = W + s B A, so that
/// y += (m/n - 1) (y - b) + m/n s B A x, n the lengths of V's lines, which get no gradient (paper 4.3). B = 0 and m = n
/// at start: the identity.
class Dora : public Method {
 public:
  explicit Dora(const MethodSetup& setup)
      : trained_(setup.facts.parameters),
        scale_(low_rank_scale(setup.spec)),
        dropout_(real_option(setup.spec, "dropout")),
        base_dropout_(is_on(setup.spec, "base_dropout")) {
    for (const auto& [layer, site] : low_rank_places(setup.spec, setup.model.geometry)) {
      const std::string name = place_name(site, layer);
      Layer& made = layers_.at(site, layer);
      made.weight = setup.base.weights->at(name + ".weight");
      made.bias = setup.base.weights->find(name + ".bias");
      made.squares = made.weight.to(at::kFloat).square().sum(1);
      const double bound = 1.0 / std::sqrt(static_cast<double>(setup.model.geometry.at(site).in));
      made.down = trained_.uniform(name + ".lora_A", setup.start(place_number(site, layer)), bound);
      made.up = trained_.zeros(name + ".lora_B");
      made.magnitude = trained_.adopt(name + ".magnitude", lengths(made).cpu());
    }
  }

  void begin(const Pass& /*pass*/) override {
    layers_.for_each([&](Layer& layer) { layer.length = lengths(layer); });
  }

  at::Tensor delta(const SiteCall& call, const Pass& pass) override {
    const Layer* layer = layers_.find(call.site, call.layer);
    if (layer == nullptr) return {};
    const at::Tensor x = pass.dropout(call.x, dropout_, place_number(call.site, call.layer));
    const bool dropped = base_dropout_ && pass.training && dropout_ > 0;
    const at::Tensor base = dropped ? linear(x, layer->weight, {}) : without_bias(*layer, call.y);
    const at::Tensor ratio = layer->magnitude / layer->length;
    return (ratio - 1) * base + ratio * low_rank(x, layer->down, layer->up, scale_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  struct Layer {
    at::Tensor weight, bias, squares;  // frozen; bias may be undefined; squares [out]: of the lines' lengths
    at::Tensor down, up, magnitude;
    at::Tensor length;  // [out], of this pass
  };

  static at::Tensor without_bias(const Layer& layer, const at::Tensor& y) {
    return layer.bias.defined() ? y - layer.bias : y;
  }

  /// By ||W||² + 2 s <W A^T, B> + s² ||B A||², line by line: no matrix of the layer's size is made.
  at::Tensor lengths(const Layer& layer) const {
    const at::NoGradGuard no_gradient;
    const at::Device device = layer.weight.device();
    const at::Tensor down = layer.down.detach().to(device), up = layer.up.detach().to(device);
    const at::Tensor across = (linear(down, layer.weight, {}).t() * up).sum(1);
    const at::Tensor own = (at::matmul(up, at::matmul(down, down.t())) * up).sum(1);
    return at::sqrt(layer.squares + 2 * scale_ * across + scale_ * scale_ * own);
  }

  Parameters trained_;
  PerSite<Layer> layers_;
  double scale_, dropout_;
  bool base_dropout_;
};

}  // namespace

std::unique_ptr<Method> make_dora(const MethodSetup& setup) {
  return std::make_unique<Dora>(setup);
}

}  // namespace peftgrid::worker
