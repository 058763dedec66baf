// How many ranks share a trial where the grid leaves it to the plan, and what the plan then says.
#include "orchestrator/schedule/widths.hpp"

#include <gmock/gmock.h>

#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/show_plan.hpp"
#include "tests/support/planned_grid.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;

/// A cell for each size, its width left to the plan, with so many seeds.
Grid grid_of(const std::vector<std::int64_t>& sizes, std::int64_t seeds) {
  return tests::planned_grid(sizes, seeds, 0);
}

std::vector<std::int64_t> widths_of(const Grid& grid) {
  std::vector<std::int64_t> widths;
  for (const Cell& cell : grid.cells) widths.push_back(grid.trials[cell.trials.front()].width);
  return widths;
}

double makespan_s(const Grid& grid, std::int64_t ranks) {
  return make_plan(grid, ranks, {}, [](const std::string&) { return false; }).run.makespan_s;
}

TEST(Widths, ManyTrialsOfOneSizeAreNotSpread) {
  Grid grid = grid_of({1000}, 64);
  choose_widths(grid, 8, 1, {});
  EXPECT_THAT(widths_of(grid), ElementsAre(1));
}

TEST(Widths, FewTrialsAreSpreadOverAllRanks) {
  Grid grid = grid_of({1000}, 2);
  choose_widths(grid, 8, 1, {});
  EXPECT_THAT(widths_of(grid), ElementsAre(4));
}

TEST(Widths, AGiantAmongDwarfsIsSpread) {
  Grid grid = grid_of({20'000, 100}, 1);
  for (std::int64_t seed = 2; seed < 17; ++seed) {
    worker::TrialSpec dwarf = grid.trials[1];
    dwarf.seed = static_cast<std::uint64_t>(seed);
    grid.cells[1].trials.push_back(grid.trials.size());
    grid.trials.push_back(dwarf);
  }
  choose_widths(grid, 8, 1, {});
  EXPECT_THAT(widths_of(grid), ElementsAre(Gt(1), 1));
}

TEST(Widths, NeverMoreThanABatchHasRows) {
  Grid grid = grid_of({1000}, 1);
  for (worker::TrialSpec& spec : grid.trials) spec.training.batch_size = 4;
  choose_widths(grid, 64, 1, {});
  EXPECT_THAT(widths_of(grid), ElementsAre(4));
}

TEST(Widths, TheGridIsDoneSoonerThanWithoutThem) {
  Grid narrow = grid_of({8000, 4000, 1000, 500}, 3), chosen = narrow;
  for (worker::TrialSpec& spec : narrow.trials) spec.width = 1;
  choose_widths(chosen, 16, 1, {});
  EXPECT_LT(makespan_s(chosen, 16), 0.7 * makespan_s(narrow, 16));
}

TEST(Widths, AllSeedsOfACellHaveOneAndIdsFollow) {
  Grid grid = grid_of({1000}, 2);
  const std::string before = grid.trials[0].id;
  choose_widths(grid, 8, 1, {});
  EXPECT_EQ(grid.trials[0].width, grid.trials[1].width);
  EXPECT_NE(grid.trials[0].id, before);
  EXPECT_EQ(grid.trials[0].id, worker::trial_id(grid.trials[0]));
  EXPECT_EQ(grid.cells[0].id, worker::cell_id(grid.trials[0]));
}

TEST(Widths, WhatAnEarlierStartChoseStays) {
  Grid grid = grid_of({1000}, 2);
  const std::string name = grid.cells[0].undecided;
  choose_widths(grid, 8, 1, {{name, 2}});
  EXPECT_THAT(widths_of(grid), ElementsAre(2));
}

TEST(Widths, ThoseThatTheGridSaysAreLeftAlone) {
  Grid grid = grid_of({1000}, 2);
  grid.cells[0].undecided.clear();
  for (worker::TrialSpec& spec : grid.trials) spec.width = 3;
  choose_widths(grid, 8, 1, {});
  EXPECT_THAT(widths_of(grid), ElementsAre(3));
}

TEST(Widths, TwoCellsThatComeOutTheSameAreRefused) {
  Grid grid = grid_of({1000, 1000}, 8);
  grid.cells[1].undecided.clear();
  for (const std::size_t i : grid.cells[1].trials) {
    grid.trials[i].width = 1;
    grid.cells[1].id = grid.trials[i].cell = worker::cell_id(grid.trials[i]);
  }
  EXPECT_THROW(choose_widths(grid, 1, 1, {}), worker::UsageError);
}

TEST(LoadPicture, FewRanksHaveALineEach) {
  const Simulation run = simulate({{2, 8}, {1, 4}}, 2);
  const std::vector<std::string> lines = load_picture(run, 2);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("█▒"));
  EXPECT_THAT(lines[1], HasSubstr("█·"));
}

TEST(LoadPicture, ManyRanksShareOneLineOfShares) {
  const Simulation run = simulate(std::vector<Job>(10'000, Job{1, 1}), 1000);
  const std::vector<std::string> lines = load_picture(run, 1000);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(worker::count_characters(lines[0]), 89U);
  EXPECT_THAT(lines[0], testing::Not(HasSubstr("·")));
}

TEST(Speed, FinishedTrialsCorrectThePredictionsOfTheirMethod) {
  Grid grid = grid_of({1000}, 2);
  for (worker::TrialSpec& spec : grid.trials) spec.width = 1;
  grid.trials[1].method = {"head", {}};
  const Speed usual;
  RunState state;
  state.finished[grid.trials[0].id] = {3 * usual.seconds(grid.trials[0], grid), 1};
  state.finished[grid.trials[1].id] = {6 * usual.seconds(grid.trials[1], grid), 1};
  const Speed speed = speed_of(grid, state);
  EXPECT_TRUE(speed.from_trials);
  for (const worker::TrialSpec& spec : grid.trials) {
    const double took = state.finished[spec.id].seconds;
    EXPECT_NEAR(speed.seconds(spec, grid) / took, 1, 0.2) << spec.method.name;
  }
}

}  // namespace
}  // namespace peftgrid::orchestrator
