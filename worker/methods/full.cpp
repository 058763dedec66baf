#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// Full fine-tuning and its upper part: the named tensors of the base become copies in fp32 that train; the rest stays
/// the shared, frozen base. Nothing flows below the lowest trained block, since nothing there asks for a gradient.
class OwnWeights : public Method {
 public:
  OwnWeights(const std::vector<std::string>& names, const Borrow& borrow) {
    auto tensors = borrow.weights->all();
    for (const std::string& name : names) {
      at::Tensor copy = borrow.fp32_copy(name).requires_grad_(true);
      const bool norm = name.find("LayerNorm") != std::string::npos;
      const bool bias = name.ends_with(".bias");
      trained_.push_back({name, copy, !norm && !bias, name == borrow.token_table});
      tensors[name] = copy;
    }
    weights_ = std::make_shared<const Weights>(std::move(tensors));
  }

  std::shared_ptr<const Weights> own_weights() override { return weights_; }
  std::vector<Trained> parameters() const override { return trained_; }

 private:
  std::vector<Trained> trained_;
  std::shared_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<Method> make_full(const MethodSpec& /*spec*/, const Borrow& borrow) {
  return std::make_unique<OwnWeights>(borrow.top_tensors(-1), borrow);
}

std::unique_ptr<Method> make_top_layers(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<OwnWeights>(borrow.top_tensors(integer_option(spec, "layers")), borrow);
}

}  // namespace peftgrid::worker
