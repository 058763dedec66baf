#include <ATen/ops/index_select.h>

#include <map>

#include "worker/backbones/backbone.hpp"

namespace peftgrid::worker {

#define ARCHITECTURE(name, code)             \
  const Architecture& name##_architecture(); \
  std::unique_ptr<Backbone> make_##code(ModelFacts facts, double dropout);
#include "worker/backbones/architectures.inc"
#undef ARCHITECTURE

Backbone::Backbone(ModelFacts facts, double dropout) : facts_(std::move(facts)) {
  facts_.config.set_dropout(dropout);
}

at::Tensor Backbone::below_top(const Weights& w, const Batch& batch, const Sites& sites) const {
  at::Tensor h = embed(w, batch, sites);
  for (std::int64_t layer = 0; layer + 1 < config().layers; ++layer) h = block(w, sites, sites, layer, h);
  return h;
}

at::Tensor Backbone::hidden(const Weights& w, const Batch& batch, const Sites& sites) const {
  return block(w, sites, sites, config().layers - 1, below_top(w, batch, sites));
}

at::Tensor Backbone::hidden_of(const ReadTokens& read, const Weights& w, const Batch& batch, const Sites& sites) const {
  if (!sites.may_narrow()) {
    return at::index_select(hidden(w, batch, sites), 0, read.index).narrow(0, 0, batch.rows);
  }
  const Sites asking = sites.narrowed(read);
  const at::Tensor h = below_top(w, batch, sites);
  return block(w, sites, asking, config().layers - 1, h).narrow(0, 0, batch.rows);
}

std::unique_ptr<Backbone> make_backbone(ModelFacts facts, double dropout) {
  using Factory = std::unique_ptr<Backbone> (*)(ModelFacts, double);
  static const std::map<const Architecture*, Factory> kBackbones{
#define ARCHITECTURE(name, code) {&name##_architecture(), make_##code},
#include "worker/backbones/architectures.inc"
#undef ARCHITECTURE
  };
  const Factory make = kBackbones.at(facts.architecture);
  return make(std::move(facts), dropout);
}

}  // namespace peftgrid::worker
