#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// What a frozen base makes of some rows, kept from trial to trial: trials that train a head alone all test on the same
/// features. They come back as they were made, so that no number depends on what ran before. The least recently used
/// ones go when all together take more than kMostBytes.
class FeatureMemo {
 public:
  static constexpr std::size_t kMostBytes = 64U << 20U;

  struct Features {
    at::Tensor values;   // [rows, width]
    double seconds = 0;  // that making them cost, once (spent_s)
  };

  /// Those of `rows` under `key`, which says by what base and of which texts; from `make` where there are none yet.
  Features of(const std::string& key, std::span<const std::int64_t> rows, const std::function<Features()>& make);

 private:
  struct Entry {
    std::string key;
    std::vector<std::int64_t> rows;
    Features features;
    std::size_t bytes() const { return features.values.nbytes() + rows.size() * sizeof(rows[0]); }
  };
  std::list<Entry> recent_;  // the last used in front
};

}  // namespace peftgrid::worker
