#include "orchestrator/schedule/shards.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "orchestrator/schedule/fit_time.hpp"
#include "tests/support/planned_grid.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

/// Trials of one task in three cells; each cell's trials cost the same.
Grid grid_of(std::int64_t seeds) {
  Grid grid;
  grid.run = "sharded";
  grid.backbones["tiny"] = tests::planned_backbone();
  worker::TaskFacts& task = grid.tasks["a"];
  task.train_rows = 5000;
  task.test_rows = {800};
  task.mean_characters = 100;
  for (const std::int64_t size : {100, 1000, 500}) {
    Cell cell;
    cell.train_size = size;
    for (std::int64_t seed = 1; seed <= seeds; ++seed) {
      worker::TrialSpec spec;
      spec.id = std::to_string(size) + "-" + std::to_string(seed);
      spec.method.name = "lora";
      for (const worker::OptionInfo& option : worker::find_method("lora")->options) {
        spec.method.options[option.name] = option.fallback;
      }
      spec.backbone.name = "tiny";
      spec.task.name = "a";
      spec.task.labels = {"x", "y"};
      spec.train_size = size;
      cell.trials.push_back(grid.trials.size());
      grid.trials.push_back(spec);
    }
    grid.cells.push_back(cell);
  }
  return grid;
}

std::vector<std::string> ids(const Grid& grid) {
  std::vector<std::string> all;
  for (const worker::TrialSpec& spec : grid.trials) all.push_back(spec.id);
  return all;
}

std::string refusal(const std::string& text) {
  try {
    parse_shard(text, "run");
    return "accepted";
  } catch (const worker::UsageError& error) {
    return error.what();
  }
}

TEST(Shards, TheLargestGoesToTheEmptiest) {
  EXPECT_THAT(split_by_cost({1, 5, 3, 3}, {"a", "b", "c", "d"}, 2), ElementsAre(0, 0, 1, 1));
}

TEST(Shards, EqualCostsGoByName) {
  EXPECT_THAT(split_by_cost({2, 2, 2}, {"c", "a", "b"}, 3), ElementsAre(2, 0, 1));
}

TEST(Shards, EachTrialIsInExactlyOne) {
  const Grid whole = grid_of(5);
  std::vector<std::string> found;
  for (std::int64_t index = 1; index <= 4; ++index) {
    Grid part = whole;
    keep_shard(part, {index, 4}, "run");
    const auto part_ids = ids(part);
    found.insert(found.end(), part_ids.begin(), part_ids.end());
  }
  EXPECT_THAT(found, UnorderedElementsAreArray(ids(whole)));
}

TEST(Shards, CellsKeepTheTrialsThatStay) {
  const Grid whole = grid_of(2);
  for (std::int64_t index = 1; index <= 5; ++index) {
    Grid part = whole;
    keep_shard(part, {index, 5}, "run");
    std::size_t trials = 0;
    for (const Cell& cell : part.cells) {
      EXPECT_FALSE(cell.trials.empty());
      for (const std::size_t i : cell.trials) EXPECT_EQ(part.trials.at(i).train_size, cell.train_size);
      trials += cell.trials.size();
    }
    EXPECT_EQ(trials, part.trials.size());
  }
}

TEST(Shards, TheOrderOfTheGridDoesNotMatter) {
  const Grid whole = grid_of(4);
  Grid turned = whole;
  std::ranges::reverse(turned.trials);
  auto shards = shards_of(whole, 3, "run");
  const auto other = shards_of(turned, 3, "run");
  std::ranges::reverse(shards);
  EXPECT_EQ(shards, other);
}

TEST(Shards, OneOfOneIsTheWholeGrid) {
  Grid grid = grid_of(2);
  keep_shard(grid, parse_shard("", "run"), "run");
  EXPECT_EQ(grid.trials.size(), 6U);
  EXPECT_EQ(run_folder_path("", "sharded", {}), "runs/sharded");
}

TEST(Shards, EachHasAFolderOfItsOwn) {
  EXPECT_EQ(run_folder_path("", "sharded", {2, 4}), "runs/sharded/shard-2-of-4");
  EXPECT_EQ(run_folder_path("elsewhere", "sharded", {2, 4}), "elsewhere");
}

TEST(Shards, ARefusalSaysWhatWouldBeRight) {
  EXPECT_EQ(parse_shard("2/4", "run").index, 2);
  EXPECT_EQ(refusal("2"), "run: --shard \"2\" is not INDEX/COUNT, like --shard 2/4 for the second of four");
  EXPECT_EQ(refusal("0/4"), "run: --shard 0/4: shards count from 1; 1/4 to 4/4 would be right");
  EXPECT_EQ(refusal("5/4"), "run: --shard 5/4: shards count from 1; 1/4 to 4/4 would be right");
  EXPECT_EQ(refusal("1/0"), "run: --shard 1/0 asks for 0 shards; 1 to 100000 would be right");
}

TEST(FitTime, WithinTheTimeNothingNeedsToChange) {
  const TimeFit fit = fit_time({{{1, 30}, {1, 20}, {1, 10}}}, 1, 2, 100);
  EXPECT_TRUE(fit.fits);
  EXPECT_DOUBLE_EQ(fit.predicted_s, 30);
  EXPECT_EQ(fit.nodes_that_fit, 1);
}

TEST(FitTime, TheFewestNodesThatFitAreFound) {
  const TimeFit fit = fit_time({std::vector<Job>(12, Job{1, 10})}, 1, 2, 20);
  EXPECT_FALSE(fit.fits);
  EXPECT_DOUBLE_EQ(fit.predicted_s, 60);
  EXPECT_EQ(fit.nodes_that_fit, 3);
}

TEST(FitTime, TheSlowestShardDecides) {
  EXPECT_DOUBLE_EQ(fit_time({{{1, 10}, {1, 10}}, {{1, 50}}, {{1, 5}}}, 1, 1, 100).predicted_s, 50);
}

TEST(FitTime, NoNumberOfNodesShortensATrial) {
  const TimeFit fit = fit_time({{{1, 200}, {1, 10}}}, 1, 1, 100);
  EXPECT_EQ(fit.nodes_that_fit, 0);
  EXPECT_DOUBLE_EQ(fit.longest_s, 200);
}

}  // namespace
}  // namespace peftgrid::orchestrator
