#include "worker/methods/parts/sum.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

namespace peftgrid::worker {

namespace {

Pass of_part(const Pass& pass, std::uint32_t number) {
  Pass mine = pass;
  mine.part = number;
  return mine;
}

}  // namespace

void Sum::begin(const Pass& pass) {
  for (const Part& part : parts_) part.method->begin(of_part(pass, part.number));
}

at::Tensor Sum::delta(const SiteCall& call, const Pass& pass) {
  at::Tensor all;
  for (const Part& part : parts_) {
    const at::Tensor add = part.method->delta(call, of_part(pass, part.number));
    if (add.defined()) all = all.defined() ? all + add : add;
  }
  return all;
}

KeysValues Sum::extra_kv(std::int64_t layer, const at::Tensor& x, const Pass& pass) {
  KeysValues all;
  for (const Part& part : parts_) {
    const KeysValues add = part.method->extra_kv(layer, x, of_part(pass, part.number));
    if (!add.k.defined()) continue;
    all = all.k.defined() ? KeysValues{at::cat({all.k, add.k}, 1), at::cat({all.v, add.v}, 1)} : add;
  }
  return all;
}

at::Tensor Sum::prompt() {
  for (const Part& part : parts_) {
    if (const at::Tensor vectors = part.method->prompt(); vectors.defined()) return vectors;
  }
  return {};
}

std::vector<Trained> Sum::parameters() const {
  std::vector<Trained> all;
  for (const Part& part : parts_) {
    for (Trained& p : part.method->parameters()) {
      p.name = part.prefix + p.name;
      all.push_back(std::move(p));
    }
  }
  return all;
}

std::vector<Stored> Sum::stored() {
  std::vector<Stored> all;
  for (const Part& part : parts_) {
    for (Stored& one : part.method->stored()) all.push_back({part.prefix + one.name, one.values});
  }
  return all;
}

MethodFacts part_of(const MethodFacts& facts, const std::string& prefix) {
  MethodFacts part = facts;
  part.parameters.clear();
  for (ParameterFact fact : facts.parameters) {
    if (!fact.name.starts_with(prefix)) continue;
    fact.name.erase(0, prefix.size());
    part.parameters.push_back(std::move(fact));
  }
  return part;
}

}  // namespace peftgrid::worker
