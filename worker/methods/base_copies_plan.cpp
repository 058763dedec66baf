#include "worker/methods/base_copies_plan.hpp"

#include <algorithm>

namespace peftgrid::worker {

ParameterFact copy_of(const TensorFact& tensor, const ModelFacts& model) {
  ParameterFact fact{tensor.stored_as(), tensor.shape};
  fact.decays = tensor.decays();
  // A table that predicts next tokens is met whole.
  const bool predicts = model.output && tensor.name == model.output_name();
  fact.by_token = tensor.name == "word.weight" && !predicts;
  return fact;
}

MethodFacts copies_of_top_layers(const ModelFacts& model, std::int64_t layers) {
  MethodFacts facts;
  for (const TensorFact& tensor : model.tensors) {
    if (tensor.layer >= model.geometry.layers - layers) facts.parameters.push_back(copy_of(tensor, model));
  }
  order_as_stored(facts);
  facts.copies_base = true;
  facts.stored = 0;
  facts.trained_base = static_cast<double>(layers) / static_cast<double>(model.geometry.layers);
  return facts;
}

void order_as_stored(MethodFacts& facts) {
  const auto key = [](const ParameterFact& fact) { return std::pair(fact.name.starts_with("pooler."), fact.name); };
  std::ranges::sort(facts.parameters, {}, key);
}

}  // namespace peftgrid::worker
