#include "checkpoint/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/errors.hpp"
#include "checkpoint/same_numbers.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using tests::contents;
using tests::sample_record;
using tests::sample_spec;
using tests::TemporaryFolder;

class Merge : public testing::Test {
 protected:
  TrialRecord put(const std::string& run, const std::string& method, std::uint64_t seed, double accuracy = 0.8) const {
    const TrialRecord record = sample_record(sample_spec(method, "sst2", 100, seed), accuracy);
    fs::create_directories(folder_.path() / run / "trials");
    write_trial(folder_.path() / run / "trials" / (record.id + ".h5"), record);
    return record;
  }
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  TemporaryFolder folder_;
};

TEST_F(Merge, KeepsEveryTrialWhole) {
  const TrialRecord one = put("a", "lora", 1), other = put("b", "full", 2);
  const Collection left = merge({at("a"), at("b")}, at("all.h5"));
  EXPECT_TRUE(left.conflicts.empty() && left.unreadable.empty());
  const Collection back = collect({at("all.h5")}, Read::Everything);
  ASSERT_EQ(back.trials.size(), 2U);
  EXPECT_LT(back.trials[0].id, back.trials[1].id);
  for (const TrialRecord& record : {one, other}) {
    const TrialRecord merged = read_trial(at("all.h5"), record.id, Read::Everything);
    EXPECT_THAT(differences(record, merged), testing::IsEmpty());
    EXPECT_EQ(record.tensors[0].values, merged.tensors[0].values);
  }
}

TEST_F(Merge, GivesTheSameBytesAgainAndFromItself) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) put(seed % 2 == 0 ? "a" : "b", "lora", seed);
  merge({at("a"), at("b")}, at("one.h5"));
  merge({at("b"), at("a")}, at("two.h5"));
  EXPECT_EQ(contents(at("one.h5")), contents(at("two.h5")));
  merge({at("one.h5"), at("a")}, at("one.h5"));
  EXPECT_EQ(contents(at("one.h5")), contents(at("two.h5")));
}

TEST_F(Merge, MakesTheFolderOfItsFile) {
  put("a", "lora", 1);
  merge({at("a")}, at("of/all/runs.h5"));
  EXPECT_TRUE(fs::exists(at("of/all/runs.h5")));
}

TEST_F(Merge, CountsEqualTrialsOnce) {
  put("a", "lora", 1);
  put("b", "lora", 1);
  EXPECT_EQ(collect({at("a"), at("b")}, Read::Everything).trials.size(), 1U);
}

TEST_F(Merge, TakesNeitherOfTwoUnlikeTrialsWithOneId) {
  const TrialRecord one = put("a", "lora", 1, 0.8);
  put("b", "lora", 1, 0.7);
  put("c", "lora", 1, 0.8);
  put("a", "full", 1);
  const Collection left = merge({at("a"), at("b"), at("c")}, at("all.h5"));
  ASSERT_EQ(left.conflicts.size(), 1U);
  EXPECT_EQ(left.conflicts[0].id, one.id);
  EXPECT_THAT(left.conflicts[0].second.string(), testing::HasSubstr("/b/"));
  EXPECT_EQ(collect({at("all.h5")}, Read::Everything).trials.size(), 1U);
}

TEST_F(Merge, LeavesDraftsAndDamagedFilesOut) {
  put("a", "lora", 1);
  std::ofstream(at("a") / "trials" / "damaged.h5") << "x";
  std::ofstream(at("a") / "trials" / ".t.h5.host.1.0.draft") << "x";
  std::ofstream(at("a") / "trials" / ".hidden.h5") << "x";
  const Collection all = collect({at("a")}, Read::Everything);
  EXPECT_EQ(all.trials.size(), 1U);
  ASSERT_EQ(all.unreadable.size(), 1U);
  EXPECT_EQ(all.unreadable[0].file.filename(), "damaged.h5");
}

TEST_F(Merge, SaysWhichSourceDoesNotExist) {
  try {
    collect({at("nowhere")}, Read::Everything);
    FAIL();
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("nowhere"));
  }
  fs::create_directories(at("empty"));
  EXPECT_THROW(collect({at("empty")}, Read::Everything), FileError);
}

TEST_F(Merge, TakesManyFilesAndLargeMergedOnesAsItTakesFew) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) put(seed % 3 == 0 ? "a" : "b", "lora", seed);
  std::ofstream(at("b") / "trials" / "damaged.h5") << "x";
  const Collection merged = merge({at("a"), at("b")}, at("all.h5"));
  EXPECT_EQ(merged.trials.size(), 150U);
  EXPECT_EQ(merged.unreadable.size(), 1U);
  const Collection back = collect({at("all.h5")}, Read::Everything);
  ASSERT_EQ(back.trials.size(), 150U);
  for (std::size_t i = 0; i < back.trials.size(); ++i) {
    EXPECT_EQ(contents(merged.files[i]), trial_bytes(back.trials[i])) << back.trials[i].id;
  }
}

}  // namespace
}  // namespace peftgrid::checkpoint
