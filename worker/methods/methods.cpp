#include <map>

#include "worker/errors.hpp"
#include "worker/methods/method.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

#define METHOD(name) std::unique_ptr<Method> make_##name(const MethodSetup& setup);
#include "worker/methods/methods.inc"
#undef METHOD

std::vector<Stored> Method::stored() {
  std::vector<Stored> all;
  for (const Trained& p : parameters()) all.push_back({p.name, p.tensor});
  return all;
}

std::unique_ptr<Method> make_method(const MethodSetup& setup) {
  using Factory = std::unique_ptr<Method> (*)(const MethodSetup&);
  static const std::map<std::string, Factory> kMethods{
#define METHOD(name) {#name, make_##name},
#include "worker/methods/methods.inc"
#undef METHOD
  };
  const auto factory = kMethods.find(setup.spec.name);
  if (factory == kMethods.end()) throw UsageError("this program has no method " + in_quotes(setup.spec.name));
  return factory->second(setup);
}

}  // namespace peftgrid::worker
