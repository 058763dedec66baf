// Schedules beside transformers' numbers, the flat buffer, and the order of rows.
#include "worker/training/optim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/support/network.hpp"
#include "worker/model/randomness.hpp"

namespace peftgrid::tests {
namespace {

TEST(Schedule, FollowsTransformers) {
  std::ifstream file(std::string(PEFTGRID_SOURCE) + "/tests/golden/schedule.json");
  const auto content = nlohmann::json::parse(file);
  for (const auto& one : content.at("cases")) {
    worker::TrainingSpec training;
    training.schedule = one.at("schedule");
    training.warmup = one.at("warmup");
    const std::int64_t steps = one.at("steps");
    for (std::int64_t step = 0; step < steps; ++step) {
      EXPECT_NEAR(worker::schedule_factor(training, step, steps), one.at("factors").at(static_cast<std::size_t>(step)),
                  1e-12)
          << training.schedule << ", warm-up " << training.warmup << ", step " << step;
    }
  }
}

std::vector<worker::Trained> three_tensors() {
  return {{"a", worker::trained({1, 2, 3}, {3}), true},
          {"b", worker::trained({4}, {1}), false},
          {"c", worker::trained({5, 6}, {1, 2}), true}};
}

TEST(FlatParameters, BeginEachTensorAtAMultipleOf64Bytes) {
  worker::FlatParameters flat(three_tensors());
  for (const worker::Trained& p : flat.parameters()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p.tensor.const_data_ptr()) % 64, 0U) << p.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p.tensor.grad().const_data_ptr()) % 64, 0U) << p.name;
  }
  EXPECT_EQ(flat.segments().size(), 3U);
}

TEST(FlatParameters, KeepTheValuesAndShareThemWithTheMethod) {
  const std::vector<worker::Trained> mine = three_tensors();
  worker::FlatParameters flat(mine);
  EXPECT_EQ(values_of(mine[0].tensor), (std::vector<float>{1, 2, 3}));
  flat.values().fill_(9);
  EXPECT_EQ(values_of(mine[2].tensor), (std::vector<float>{9, 9}));
}

TEST(AdamW, ClipsTheGradientsNormAndSparesWhatDoesNotDecay) {
  worker::FlatParameters flat(three_tensors());
  worker::TrainingSpec training;
  training.learning_rate = 0.1;
  training.weight_decay = 0.5;
  training.schedule = "constant";
  worker::AdamW optimizer(flat, training, 10);
  EXPECT_EQ(optimizer.step(), 0);
  EXPECT_FLOAT_EQ(values_of(flat.parameters()[0].tensor)[0], 0.95F);
  EXPECT_EQ(values_of(flat.parameters()[1].tensor)[0], 4.0F);
  set_values(flat.parameters()[0].tensor.grad(), {3, 0, 0});
  set_values(flat.parameters()[1].tensor.grad(), {4});
  EXPECT_NEAR(optimizer.step(), 5, 1e-6);
}

TEST(AdamW, GivesLinesOfTokensThatNoTextHoldsTheirDecayAlone) {
  const auto table = [] {
    return std::vector<worker::Trained>{{"t", worker::trained(worker::normal({1, 2}, 40, 1), {10, 4}), true, true}};
  };
  worker::FlatParameters whole(table()), some(table(), {0, 3, 4, 9});
  EXPECT_EQ(some.segments().size(), 3U) << "lines 3 and 4 are one run";
  worker::TrainingSpec training;
  training.learning_rate = 0.01;
  training.weight_decay = 0.1;
  worker::AdamW plain(whole, training, 5), ours(some, training, 5);
  for (std::uint32_t step = 0; step < 5; ++step) {
    whole.clear_gradients();
    some.clear_gradients();
    for (const worker::FlatParameters* each : {&whole, &some}) {
      const at::Tensor gradient = each->parameters()[0].tensor.grad();
      for (const std::int64_t line : {0, 3, 9}) set_values(gradient.select(0, line), worker::normal({step, 3}, 4, 1));
    }
    EXPECT_NEAR(ours.step(), plain.step(), 1e-6);
  }
  ours.apply_pending_decay();
  ours.apply_pending_decay();
  const auto a = values_of(some.parameters()[0].tensor), b = values_of(whole.parameters()[0].tensor);
  EXPECT_LT(relative_difference(a, b), 1e-6);
}

TEST(AdamW, TellsOfANormThatIsNotFinite) {
  worker::FlatParameters flat(three_tensors());
  worker::AdamW optimizer(flat, {}, 10);
  set_values(flat.parameters()[1].tensor.grad(), {NAN});
  EXPECT_TRUE(std::isnan(optimizer.step()));
}

TEST(Permutation, HoldsEachRowOnceAndChangesWithTheEpoch) {
  const worker::Key key = worker::stream(7, worker::Purpose::Order);
  for (const std::int64_t count : {0, 1, 2, 17, 1000}) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    const auto order = worker::permutation(key, count, 3);
    EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), rows.begin(), rows.end()));
    EXPECT_EQ(order, worker::permutation(key, count, 3));
  }
  EXPECT_NE(worker::permutation(key, 1000, 3), worker::permutation(key, 1000, 4));
}

TEST(Permutation, PutsEachRowAnywhereAlike) {
  std::vector<int> seen(25);
  for (std::uint32_t epoch = 0; epoch < 5000; ++epoch) {
    const auto order = worker::permutation({1, 2}, 5, epoch);
    for (std::size_t i = 0; i < 5; ++i) ++seen[i * 5 + static_cast<std::size_t>(order[i])];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 5 * std::sqrt(5000 * 0.2 * 0.8));
}

TEST(Normal, HasItsMomentsAndUniformItsBounds) {
  const auto drawn = worker::normal({3, 4}, 100001, 2);
  double sum = 0, squares = 0;
  for (const float x : drawn) sum += static_cast<double>(x);
  for (const float x : drawn) squares += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(sum / 100001, 0, 5 * 2 / std::sqrt(100001));
  EXPECT_NEAR(std::sqrt(squares / 100001), 2, 0.03);
  const auto flat = worker::uniform({3, 4}, 100001, 0.5);
  EXPECT_GE(*std::min_element(flat.begin(), flat.end()), -0.5F);
  EXPECT_LT(*std::max_element(flat.begin(), flat.end()), 0.5F);
}

TEST(Streams, OfUnlikePurposesSeedsAndPlacesDiffer) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keys;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint32_t purpose = 1; purpose <= 9; ++purpose) {
      for (std::uint32_t where = 0; where < 20; ++where) {
        const worker::Key key = worker::stream(seed, static_cast<worker::Purpose>(purpose), where);
        keys.emplace_back(key.a, key.b);
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

}  // namespace
}  // namespace peftgrid::tests
