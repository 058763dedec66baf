#include "worker/model/registry.hpp"

#include <map>

#include "worker/errors.hpp"
#include "worker/methods/methods.hpp"

namespace peftgrid::worker {

std::unique_ptr<Backbone> make_backbone(const BackboneSpec& spec, bool pretrained_pooler, double dropout) {
  using Factory = std::unique_ptr<Backbone> (*)(const std::string&, const std::string&, bool, double);
  static const std::map<std::string, Factory> kBackbones{{"bert", make_bert}};
  const auto factory = kBackbones.find(spec.architecture);
  if (factory == kBackbones.end()) throw UsageError("this program has no architecture '" + spec.architecture + "'");
  return factory->second(spec.path, spec.readout, pretrained_pooler, dropout);
}

std::unique_ptr<Method> make_method(const MethodSpec& spec, const Borrow& borrow) {
  using Factory = std::unique_ptr<Method> (*)(const MethodSpec&, const Borrow&);
  static const std::map<std::string, Factory> kMethods{
      {"full", make_full},     {"head", make_head},         {"top_layers", make_top_layers}, {"lora", make_lora},
      {"bitfit", make_bitfit}, {"pfeiffer", make_pfeiffer}, {"prefix", make_prefix},         {"prompt", make_prompt},
  };
  const auto factory = kMethods.find(spec.name);
  if (factory == kMethods.end()) throw UsageError("this program has no method '" + spec.name + "'");
  return factory->second(spec, borrow);
}

}  // namespace peftgrid::worker
