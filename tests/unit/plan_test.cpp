#include "orchestrator/schedule/plan.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "orchestrator/schedule/cost.hpp"
#include "orchestrator/schedule/show_plan.hpp"
#include "tests/support/planned_grid.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Three trials of one task that differ in size alone.
Grid small_grid() {
  Grid grid = tests::planned_grid({100, 1000, 500}, 1, 1);
  for (worker::TrialSpec& spec : grid.trials) spec.id = "trial" + std::to_string(spec.train_size);
  return grid;
}

bool nothing_done(const std::string&) {
  return false;
}

TEST(Plan, TheLongestTrialGoesFirst) {
  const Plan plan = make_plan(small_grid(), 2, {}, nothing_done);
  EXPECT_THAT(plan.order, ElementsAre(1, 2, 0));
  EXPECT_DOUBLE_EQ(plan.run.makespan_s, std::max(plan.seconds[1], plan.seconds[2] + plan.seconds[0]));
  EXPECT_DOUBLE_EQ(plan.lower_bound_s, std::max(plan.run.busy_rank_s / 2, plan.seconds[1]));
  EXPECT_GE(plan.run.makespan_s, plan.lower_bound_s);
}

TEST(Plan, FinishedTrialsNeedNotRun) {
  const Plan plan = make_plan(small_grid(), 2, {}, [](const std::string& id) { return id == "trial1000"; });
  EXPECT_THAT(plan.order, ElementsAre(2, 0));
  EXPECT_EQ(plan.seconds.size(), 3U);
}

TEST(Plan, APredictionGrowsWithTheWorkAndShrinksWithTheSpeed) {
  const Grid grid = small_grid();
  const auto seconds = [&](const worker::TrialSpec& spec, double gflops) {
    return predicted_seconds(spec, grid.tasks.at("a"), grid.backbones.at("tiny"), {.gflops = gflops, .bf16_gain = 2});
  };
  worker::TrialSpec spec = grid.trials[0];
  const double before = seconds(spec, 200);
  EXPECT_LT(seconds(spec, 400), before);
  spec.training.epochs = 20;
  EXPECT_GT(seconds(spec, 200), before);
  spec = grid.trials[0];
  spec.precision = "bf16";
  EXPECT_LT(seconds(spec, 200), before);
  spec = grid.trials[0];
  spec.method = {"head", {}};
  EXPECT_LT(seconds(spec, 200), before);
  spec.method = {"full", {{"pretrained_layers", std::int64_t{-1}}}};
  const double full = seconds(spec, 200);
  EXPECT_GT(full, before);
  spec.precision = "bf16";
  EXPECT_EQ(seconds(spec, 200), full) << "weights that train stay in fp32";
}

TEST(Plan, DiskFollowsKeep) {
  const Grid grid = small_grid();
  const auto bytes = [&](const std::string& method, const std::string& keep) {
    worker::TrialSpec spec = grid.trials[0];
    spec.method.name = method;
    spec.method.options["pretrained_layers"] = std::int64_t{-1};
    spec.keep = keep;
    return disk_bytes(spec, grid.tasks.at("a"), grid.backbones.at("tiny"));
  };
  EXPECT_GT(bytes("full", "all"), 90'000'000);
  EXPECT_LT(bytes("full", "adapters"), 100'000);
  EXPECT_LT(bytes("full", "none"), bytes("full", "adapters"));
  EXPECT_GT(bytes("lora", "adapters"), 4 * 73'728);
}

TEST(Plan, ItsTablesFitATerminal) {
  Grid grid = small_grid();
  grid.resolved.push_back({"data", std::string(200, 'x'), "line 1"});
  grid.holes.push_back({"tiny", "a", "full", 0, std::string(150, 'y')});
  std::ostringstream out;
  show_plan(out, grid, make_plan(grid, 4, {}, nothing_done), {4, {}, true});
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(worker::count_characters(line), 120U) << line;
  EXPECT_THAT(out.str(), HasSubstr("3 to run, 0 already there"));
  EXPECT_THAT(out.str(), HasSubstr("trial1000"));
}

TEST(Plan, NumbersReadAsPeopleWriteThem) {
  EXPECT_EQ(seconds_text(4.25), "4.2 s");
  EXPECT_EQ(seconds_text(75), "75 s");
  EXPECT_EQ(seconds_text(125), "2 min 05 s");
  EXPECT_EQ(seconds_text(7500), "2 h 05 min");
  EXPECT_EQ(seconds_text(200'000), "2 d 07 h");
  EXPECT_EQ(rounded_bytes(999), "999 B");
  EXPECT_EQ(rounded_bytes(1'500), "1.5 kB");
  EXPECT_EQ(rounded_bytes(90e6), "90 MB");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(count_text(12), "12");
}

}  // namespace
}  // namespace peftgrid::orchestrator
