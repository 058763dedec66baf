#include "worker/tasks/target_scale.hpp"

#include <algorithm>
#include <cmath>

namespace peftgrid::worker {

TargetScale target_scale(const TaskSpec& task, std::span<const double> train_labels) {
  if (task.targets == "raw") return {};
  const auto [least, most] = std::ranges::minmax(train_labels);
  if (least == most) return {least, 1};
  // As shares of the range: squares neither overflow nor vanish, whatever the labels' unit.
  const double range = most - least, count = static_cast<double>(train_labels.size());
  const auto share = [&, lowest = least](double label) { return (label - lowest) / range; };
  double mean = 0, square = 0;
  for (const double label : train_labels) mean += share(label) / count;
  for (const double label : train_labels) square += (share(label) - mean) * (share(label) - mean) / count;
  return {least + range * mean, range * std::sqrt(square)};
}

}  // namespace peftgrid::worker
