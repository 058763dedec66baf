// What a rank remembers of a frozen base from trial to trial.
#include "worker/training/feature_memo.hpp"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <vector>

namespace peftgrid::tests {
namespace {

using Features = worker::FeatureMemo::Features;
using Rows = std::vector<std::int64_t>;

TEST(FeatureMemo, GivesBackWhatWasMadeForTheSameKeyAndRows) {
  worker::FeatureMemo memo;
  int made = 0;
  const auto make = [&] { return Features{at::full({2, 3}, ++made, at::kFloat), 0}; };
  const at::Tensor first = memo.of("base", Rows{1, 2}, make).values;
  EXPECT_TRUE(memo.of("base", Rows{1, 2}, make).values.is_same(first));
  EXPECT_EQ(made, 1);
  memo.of("base", Rows{2, 1}, make);
  memo.of("other base", Rows{1, 2}, make);
  EXPECT_EQ(made, 3);
}

TEST(FeatureMemo, ForgetsTheLeastRecentlyUsedBeyondItsBound) {
  worker::FeatureMemo memo;
  int made = 0;
  const auto a_third = static_cast<std::int64_t>(worker::FeatureMemo::kMostBytes / sizeof(float) / 3);
  const auto make = [&] { return Features{at::full({1, a_third}, ++made, at::kFloat), 0}; };
  memo.of("a", Rows{1}, make);
  memo.of("b", Rows{1}, make);
  memo.of("a", Rows{1}, make);
  memo.of("c", Rows{1}, make);  // two thirds and the rows' numbers fit: b goes
  EXPECT_EQ(made, 3);
  memo.of("a", Rows{1}, make);
  EXPECT_EQ(made, 3);
  memo.of("b", Rows{1}, make);
  EXPECT_EQ(made, 4);
  memo.of("vast", Rows{1}, [&] { return Features{at::full({4, a_third}, ++made, at::kFloat), 0}; });
  memo.of("vast", Rows{1}, make);
  EXPECT_EQ(made, 6);
}

}  // namespace
}  // namespace peftgrid::tests
