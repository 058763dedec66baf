#include "worker/per_site.hpp"

#include <algorithm>

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

std::vector<std::string> absent_sites(const std::vector<std::string>& names,
                                      const std::vector<std::pair<std::int64_t, Site>>& places) {
  std::vector<std::string> absent;
  for (const std::string& name : names) {
    const auto is_it = [&](const auto& place) { return name == "all" || name == site_name(place.second); };
    if (std::ranges::none_of(places, is_it)) absent.push_back(name);
  }
  return absent;
}

std::string place_name(Site site, std::int64_t layer) {
  const std::string name(site_name(site));
  return once_a_pass(site) ? name : "layer." + std::to_string(layer) + "." + name;
}

}  // namespace peftgrid::worker
