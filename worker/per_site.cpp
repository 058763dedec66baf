#include "worker/per_site.hpp"

namespace peftgrid::worker {

std::vector<std::pair<std::int64_t, Site>> places(const Geometry& geometry) {
  std::vector<std::pair<std::int64_t, Site>> all;
  for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
    for (const Site site : kSites) {
      if (geometry.has(site) && (layer == 0 || !once_a_pass(site))) all.emplace_back(layer, site);
    }
  }
  return all;
}

std::string place_name(Site site, std::int64_t layer) {
  const std::string name(site_name(site));
  return once_a_pass(site) ? name : "layer." + std::to_string(layer) + "." + name;
}

}  // namespace peftgrid::worker
