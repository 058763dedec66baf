#include "worker/methods/parts/gated.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sigmoid.h>

#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint32_t kGateStream = 1U << 23U;  // beside the streams of the method inside

bool is_of_a_gate(const ParameterFact& fact) {
  return fact.name.find(".gate.") != std::string::npos;
}

class Gated : public Method {
 public:
  Gated(const MethodSetup& setup, std::unique_ptr<Method> method)
      : trained_(setup.facts.parameters), method_(std::move(method)) {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      // A layer's own gate is that of its keys and values, or of its feed-forward part: of what the method has.
      add(setup, "layer." + std::to_string(layer), Site::FfnBranch, layer);
      for (const Site site : {Site::Query, Site::Value}) add(setup, place_name(site, layer), site, layer);
    }
  }

  void begin(const Pass& pass) override { method_->begin(pass); }

  at::Tensor delta(const SiteCall& call, const Pass& pass) override {
    const Gate* gate = gates_.find(call.site, call.layer);
    if (gate == nullptr) return {};
    SiteCall once = call;  // what is joined serves the method and its gate
    at::Tensor read = call.x;
    if (call.site == Site::FfnBranch) {
      read = call.joined();
      once.joined = [&] { return read; };
    }
    const at::Tensor add = method_->delta(once, pass);
    return add.defined() ? add * pass.to_lines(opening(*gate, read, pass)) : add;
  }

  KeysValues extra_kv(std::int64_t layer, const at::Tensor& x, const Pass& pass) override {
    const KeysValues own = method_->extra_kv(layer, x, pass);
    if (!own.k.defined()) return own;
    const at::Tensor open = opening(*gates_.find(Site::FfnBranch, layer), x, pass).unsqueeze(2);
    return {own.k * open, own.v * open};
  }

  std::vector<Trained> parameters() const override {
    std::vector<Trained> all = method_->parameters();
    for (Trained& gate : trained_.all()) all.push_back(std::move(gate));
    return all;
  }

  std::vector<Stored> stored() override {
    std::vector<Stored> all = method_->stored();
    for (const Trained& gate : trained_.all()) all.push_back({gate.name, gate.tensor});
    return all;
  }

 private:
  struct Gate {
    at::Tensor weight, bias;
  };

  void add(const MethodSetup& setup, const std::string& place, Site site, std::int64_t layer) {
    if (!trained_.lists(place + ".gate.weight")) return;
    gates_.at(site, layer) = {
        trained_.normal(place + ".gate.weight", setup.start(kGateStream | place_number(site, layer)), 0.02),
        trained_.zeros(place + ".gate.bias")};
  }

  /// u [lines, width] to [rows, 1].
  static at::Tensor opening(const Gate& gate, const at::Tensor& u, const Pass& pass) {
    return pass.row_means(at::sigmoid(at::linear(u, gate.weight.unsqueeze(0), gate.bias)));
  }

  Parameters trained_;
  std::unique_ptr<Method> method_;
  PerSite<Gate> gates_;
};

}  // namespace

std::unique_ptr<Method> make_gated(const MethodSetup& setup, std::unique_ptr<Method> method) {
  return std::make_unique<Gated>(setup, std::move(method));
}

MethodFacts without_gates(const MethodFacts& facts) {
  MethodFacts inner = facts;
  std::erase_if(inner.parameters, is_of_a_gate);
  return inner;
}

MethodFacts gates_of(const MethodFacts& facts) {
  MethodFacts gates = facts;
  std::erase_if(gates.parameters, [](const ParameterFact& fact) { return !is_of_a_gate(fact); });
  return gates;
}

}  // namespace peftgrid::worker
