#include "worker/training/feature_memo.hpp"

#include <algorithm>
#include <iterator>

namespace peftgrid::worker {

FeatureMemo::Features FeatureMemo::of(const std::string& key, std::span<const std::int64_t> rows,
                                      const std::function<Features()>& make) {
  const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Entry& entry) {
    return entry.key == key && std::equal(entry.rows.begin(), entry.rows.end(), rows.begin(), rows.end());
  });
  if (found != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, found);
    return recent_.front().features;
  }
  Entry made{key, {rows.begin(), rows.end()}, make()};
  const Features features = made.features;
  recent_.push_front(std::move(made));
  std::size_t bytes = 0;
  for (auto entry = recent_.begin(); entry != recent_.end();) {
    bytes += entry->bytes();
    entry = bytes > kMostBytes ? recent_.erase(entry) : std::next(entry);
  }
  return features;
}

}  // namespace peftgrid::worker
