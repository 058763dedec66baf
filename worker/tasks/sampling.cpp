#include "worker/tasks/sampling.hpp"

#include <Random123/philox.h>

#include <numeric>
#include <stdexcept>
#include <utility>

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

using Philox = r123::Philox4x32;
__extension__ using Wide = unsigned __int128;

constexpr std::uint32_t kPurpose = 0x534D504C;  // "SMPL": keeps these numbers apart from a trial's other streams

std::uint32_t hash32(const std::string& name) {
  return static_cast<std::uint32_t>(std::stoul(checkpoint::sha256(name).substr(0, 8), nullptr, 16));
}

/// A number below `bound`; its bias is below bound / 2^64.
std::uint64_t below(std::uint64_t bound, std::uint64_t counter, std::uint32_t task, std::uint64_t seed) {
  const Philox::ctr_type c = {
      {static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), task, kPurpose}};
  const Philox::key_type k = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const Philox::ctr_type r = Philox()(c, k);
  const std::uint64_t word = (std::uint64_t{r[1]} << 32) | r[0];
  return static_cast<std::uint64_t>((Wide{word} * bound) >> 64);
}

}  // namespace

Sample sample(std::int64_t rows, std::int64_t selection_rows, std::int64_t train_size, const std::string& task_name,
              std::uint64_t data_seed, bool train_first) {
  const std::int64_t wanted = train_size == 0 ? rows - selection_rows : train_size;
  if (selection_rows < 0 || wanted <= 0 || wanted + selection_rows > rows) {
    throw std::invalid_argument("sample: more rows asked for than there are");
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  // Forward Fisher-Yates: the first rows of the permutation are final first, so a short sample is a short loop.
  const std::uint32_t task = hash32(task_name);
  const auto needed = static_cast<std::size_t>(selection_rows + wanted);
  for (std::size_t i = 0; i < needed; ++i) {
    std::swap(order[i], order[i + below(order.size() - i, i, task, data_seed)]);
  }
  const auto split = order.begin() + (train_first ? wanted : selection_rows);
  const std::vector<std::int64_t> first(order.begin(), split), second(split, order.begin() + selection_rows + wanted);
  return train_first ? Sample{second, first} : Sample{first, second};
}

Sample sample_of(const TrialSpec& spec, std::int64_t rows) {
  return sample(rows, spec.selection.kept_out(), spec.train_size, spec.task.name, spec.data_seed,
                spec.selection.order == "train_first");
}

}  // namespace peftgrid::worker
