#include "worker/methods/method.hpp"

namespace peftgrid::worker {

namespace {

/// Full fine-tuning and its upper part: the named tensors of the base become copies in fp32 that train; the rest stays
/// the shared, frozen base. Nothing flows below the lowest trained block, since nothing there asks for a gradient.
class BaseCopies : public Method {
 public:
  explicit BaseCopies(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    auto tensors = setup.base.weights->all();
    for (const TensorFact& tensor : setup.model.tensors) {
      const std::string name = tensor.stored_as();
      if (trained_.lists(name)) tensors[tensor.name] = trained_.adopt(name, setup.base.fp32_copy(tensor.name));
    }
    weights_ = std::make_shared<const Weights>(std::move(tensors));
  }

  std::shared_ptr<const Weights> own_weights(const Pass& /*pass*/) override { return weights_; }
  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  std::shared_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<Method> make_full(const MethodSetup& setup) {
  return std::make_unique<BaseCopies>(setup);
}

std::unique_ptr<Method> make_top_layers(const MethodSetup& setup) {
  return std::make_unique<BaseCopies>(setup);
}

}  // namespace peftgrid::worker
