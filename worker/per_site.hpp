#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "worker/geometry.hpp"

/// What a method keeps for some of the places where a backbone announces its steps.
namespace peftgrid::worker {

/// Layer by layer, in each the sites in their order; sites that are announced once a pass come with layer 0.
std::vector<std::pair<std::int64_t, Site>> places(const Geometry& geometry);
/// Those of these names that are no site's among `places`; "all" is any's.
std::vector<std::string> absent_sites(const std::vector<std::string>& names,
                                      const std::vector<std::pair<std::int64_t, Site>>& places);

/// "layer.3.query"; "embedding_norm" where the site is announced once a pass.
std::string place_name(Site site, std::int64_t layer);

/// Tells places apart in random streams.
constexpr std::uint32_t place_number(Site site, std::int64_t layer) {
  return static_cast<std::uint32_t>(layer) << 8U | static_cast<std::uint32_t>(site);
}

template <typename T>
class PerSite {
 public:
  /// Made where it is not there yet.
  T& at(Site site, std::int64_t layer) { return all_[{layer, site}]; }
  /// Null where there is none.
  const T* find(Site site, std::int64_t layer) const {
    const auto found = all_.find({layer, site});
    return found == all_.end() ? nullptr : &found->second;
  }
  T* find(Site site, std::int64_t layer) {
    const auto found = all_.find({layer, site});
    return found == all_.end() ? nullptr : &found->second;
  }

  template <typename Call>
  void for_each(Call call) {
    for (auto& [place, one] : all_) call(one);
  }

 private:
  std::map<std::pair<std::int64_t, Site>, T> all_;
};

}  // namespace peftgrid::worker
