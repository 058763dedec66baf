#include <limits>

#include "worker/methods/base_copies_plan.hpp"
#include "worker/methods/method.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kEveryLayer = std::numeric_limits<std::int64_t>::max();

/// Full fine-tuning and its upper part: the named tensors of the base become copies in fp32 that train; the rest stays
/// the shared, frozen base. Nothing flows below the lowest trained block, since nothing there asks for a gradient.
class BaseCopies : public Method {
 public:
  /// Blocks from the number `pretrained` on start anew, and norm and pooler behind the last of them; tables do not.
  BaseCopies(const MethodSetup& setup, std::int64_t pretrained) : trained_(setup.facts.parameters) {
    auto tensors = setup.base.weights->all();
    std::uint32_t which = 0;
    for (const TensorFact& tensor : setup.model.tensors) {
      const std::string name = tensor.stored_as();
      const Key key = setup.start(which++);
      if (!trained_.lists(name)) continue;
      const bool kept = tensor.layer < pretrained || tensor.name == setup.model.output_name();
      tensors[tensor.name] = kept ? trained_.adopt(name, setup.base.fp32_copy(tensor.name)) : fresh(tensor, name, key);
    }
    weights_ = std::make_shared<const Weights>(std::move(tensors));
  }

  std::shared_ptr<const Weights> own_weights(const Pass& /*pass*/) override { return weights_; }
  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  /// As transformers starts a model that is not pretrained.
  at::Tensor fresh(const TensorFact& tensor, const std::string& name, Key key) {
    constexpr double kDeviation = 0.02;
    if (tensor.role == TensorFact::Role::NormScale) return trained_.constant(name, 1);
    if (!tensor.decays()) return trained_.zeros(name);
    return trained_.normal(name, key, kDeviation);
  }

  Parameters trained_;
  std::shared_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<Method> make_full(const MethodSetup& setup) {
  const std::int64_t pretrained = integer_option(setup.spec, kPretrainedLayers);
  return std::make_unique<BaseCopies>(setup, pretrained < 0 ? kEveryLayer : pretrained);
}

std::unique_ptr<Method> make_top_layers(const MethodSetup& setup) {
  return std::make_unique<BaseCopies>(setup, kEveryLayer);
}

}  // namespace peftgrid::worker
