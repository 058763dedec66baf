#include "orchestrator/schedule/shards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

#include "orchestrator/schedule/speed.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::UsageError;

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string Shard::folder() const {
  return fmt::format("shard-{}-of-{}", index, count);
}

std::filesystem::path run_folder_path(const std::string& out, const std::string& run, const Shard& shard) {
  if (!out.empty()) return out;
  const std::filesystem::path whole = std::filesystem::path("runs") / run;
  return shard.whole() ? whole : whole / shard.folder();
}

Shard parse_shard(const std::string& text, const std::string& command) {
  if (text.empty()) return {};
  const std::size_t slash = text.find('/');
  const auto index = number_in(std::string_view(text).substr(0, slash));
  const auto count = slash == std::string::npos ? std::nullopt : number_in(std::string_view(text).substr(slash + 1));
  if (!index || !count) {
    throw UsageError(fmt::format("{}: --shard {} is not INDEX/COUNT, like --shard 2/4 for the second of four", command,
                                 worker::in_quotes(text)));
  }
  if (*count < 1 || *count > kMostShards) {
    throw UsageError(
        fmt::format("{}: --shard {} asks for {} shards; 1 to {} would be right", command, text, *count, kMostShards));
  }
  if (*index < 1 || *index > *count) {
    throw UsageError(fmt::format("{}: --shard {}: shards count from 1; 1/{} to {}/{} would be right", command, text,
                                 *count, *count, *count));
  }
  return {*index, *count};
}

std::vector<std::int64_t> split_by_cost(const std::vector<double>& costs, const std::vector<std::string>& names,
                                        std::int64_t shards) {
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return std::tie(costs[b], names[a]) < std::tie(costs[a], names[b]); });
  using Load = std::pair<double, std::int64_t>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::int64_t shard = 0; shard < shards; ++shard) loads.emplace(0, shard);
  std::vector<std::int64_t> shard_of(costs.size());
  for (const std::size_t i : order) {
    const auto [load, shard] = loads.top();
    loads.pop();
    shard_of[i] = shard;
    loads.emplace(load + costs[i], shard);
  }
  return shard_of;
}

std::vector<std::int64_t> shards_of(const Grid& grid, std::int64_t count, const std::string& command) {
  if (count > 1 && count > static_cast<std::int64_t>(grid.trials.size())) {
    throw UsageError(fmt::format("{}: {} shards are more than the grid's {} trials; at most {} would be right", command,
                                 count, grid.trials.size(), grid.trials.size()));
  }
  std::vector<double> costs;
  std::vector<std::string> ids;
  for (const worker::TrialSpec& spec : grid.trials) {
    costs.push_back(Speed().seconds(spec, grid) * static_cast<double>(spec.width));
    ids.push_back(spec.id);
  }
  return split_by_cost(costs, ids, count);
}

void keep_shard(Grid& grid, const Shard& shard, const std::string& command) {
  if (shard.whole()) return;
  const std::vector<std::int64_t> shard_of = shards_of(grid, shard.count, command);
  std::vector<worker::TrialSpec> kept;
  std::vector<std::size_t> place(grid.trials.size());
  for (std::size_t i = 0; i < grid.trials.size(); ++i) {
    if (shard_of[i] != shard.index - 1) continue;
    place[i] = kept.size();
    kept.push_back(std::move(grid.trials[i]));
  }
  grid.trials = std::move(kept);
  for (Cell& cell : grid.cells) {
    std::erase_if(cell.trials, [&](std::size_t i) { return shard_of[i] != shard.index - 1; });
    for (std::size_t& i : cell.trials) i = place[i];
  }
  std::erase_if(grid.cells, [](const Cell& cell) { return cell.trials.empty(); });
}

}  // namespace peftgrid::orchestrator
