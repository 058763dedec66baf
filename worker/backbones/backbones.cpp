#include <ATen/ops/embedding.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tanh.h>

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

at::Tensor Backbone::embedding(const Weights& w, const at::Tensor& ids) const {
  const at::Tensor& table = w.at("word.weight");
  // A trained table's gradient has few lines that are not zero; a GPU adds up such lines in any order.
  return at::embedding(table, ids, config().padding_index, false, table.requires_grad() && table.is_cpu());
}

at::Tensor Backbone::pooled(const Weights& w, const Sites& sites, const at::Tensor& x) const {
  return at::tanh(sites.at({Site::Pooler, 0, x, w.linear("pooler", x)}));
}

at::Tensor Backbone::run_blocks(const Weights& w, const Batch& batch, const Sites& sites, const Sites& at_top) const {
  const Rotation turned = rotation(batch);
  at::Tensor h = embed(w, batch, sites);
  for (std::int64_t layer = 0; layer < config().layers; ++layer) {
    const Sites& asking = layer + 1 == config().layers ? at_top : sites;
    h = block({facts_, w, sites, asking, turned, layer}, h);
  }
  return finish(w, at_top, h);
}

at::Tensor Backbone::hidden(const Weights& w, const Batch& batch, const Sites& sites) const {
  return run_blocks(w, batch, sites, sites);
}

at::Tensor Backbone::hidden_of(const ReadTokens& read, const Weights& w, const Batch& batch, const Sites& sites) const {
  if (!sites.may_narrow()) {
    return at::index_select(hidden(w, batch, sites), 0, read.index).narrow(0, 0, batch.rows);
  }
  return run_blocks(w, batch, sites, sites.narrowed(read)).narrow(0, 0, batch.rows);
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
