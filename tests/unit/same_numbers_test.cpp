#include "checkpoint/same_numbers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

using testing::HasSubstr;

/// With an undefined metric: NaN is the same as NaN.
TrialRecord record() {
  TrialRecord record = tests::sample_record(tests::sample_spec("lora", "sst2", 100, 1), 0.8);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  record.tests.push_back({"mismatched", {{"pearson", nan}}, {0.5}, {nan}});
  return record;
}

TEST(SameNumbers, LeavesOutWhatMayDifferBetweenRuns) {
  const TrialRecord one = record();
  TrialRecord other = one;
  other.environment = "{}";
  other.training_s = 99;
  other.peak_memory_bytes = 1;
  EXPECT_THAT(differences(one, other), testing::IsEmpty());
}

TEST(SameNumbers, SaysWhereAndByHowMuch) {
  const TrialRecord one = record();
  TrialRecord other = one;
  other.tests[0].metrics[0].second += 0.01;
  other.tests[0].predictions[3] = 1 - other.tests[0].predictions[3];
  other.tensors[0].values[5] += 0.5F;
  other.tensors[0].sha256 = sha256_of_values(other.tensors[0].values);
  const auto found = differences(one, other);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].field, "test accuracy");
  EXPECT_THAT(found[0].how, HasSubstr("by 0.01"));
  EXPECT_THAT(found[1].how, HasSubstr("1 of 600 rows"));
  EXPECT_EQ(found[2].field, "tensor layer.0.query");
  EXPECT_THAT(found[2].how, HasSubstr("0.5"));
  EXPECT_THAT(differences(one, other, 0.6), testing::IsEmpty());
}

TEST(SameNumbers, LogitsOfOneRecordAloneAreNoDifference) {
  TrialRecord one = tests::sample_record(tests::sample_spec("lora", "sst2", 100, 1), 0.8), other = one;
  const std::vector<float> logits(8, 0.5F), others(8, 0.25F);
  one.tensors.push_back({"logits.test", {4, 2}, logits, sha256_of_values(logits)});
  EXPECT_TRUE(differences(one, other).empty());
  EXPECT_TRUE(differences(other, one).empty());
  other.tensors.push_back({"logits.test", {4, 2}, others, sha256_of_values(others)});
  EXPECT_FALSE(differences(one, other).empty());
}

}  // namespace
}  // namespace peftgrid::checkpoint
