#include <map>

#include "worker/errors.hpp"
#include "worker/objectives/objective.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

#define OBJECTIVE(name) std::unique_ptr<Objective> make_##name(const ObjectiveSetup& setup);
#include "worker/objectives/objectives.inc"
#undef OBJECTIVE

std::vector<Stored> Objective::stored() const {
  std::vector<Stored> all;
  for (const Trained& p : parameters()) all.push_back({p.name, p.tensor});
  return all;
}

std::unique_ptr<Objective> make_objective(const ObjectiveSetup& setup) {
  using Factory = std::unique_ptr<Objective> (*)(const ObjectiveSetup&);
  static const std::map<std::string, Factory> kObjectives{
#define OBJECTIVE(name) {#name, make_##name},
#include "worker/objectives/objectives.inc"
#undef OBJECTIVE
  };
  const auto factory = kObjectives.find(setup.spec.task.kind);
  if (factory == kObjectives.end())
    throw UsageError("this program has no kind of task " + in_quotes(setup.spec.task.kind));
  return factory->second(setup);
}

}  // namespace peftgrid::worker
