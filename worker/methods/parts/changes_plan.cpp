#include "worker/methods/parts/changes_plan.hpp"

#include "worker/per_site.hpp"

namespace peftgrid::worker {

void list_norms(const Geometry& geometry, std::vector<ParameterFact>& facts) {
  for (const auto& [layer, site] : places(geometry)) {
    const SiteFacts& here = geometry.at(site);
    if (!here.norm) continue;
    facts.push_back({place_name(site, layer) + ".scale_change", {here.out}, false});
    if (here.bias) facts.push_back({place_name(site, layer) + ".shift_change", {here.out}, false});
  }
}

}  // namespace peftgrid::worker
