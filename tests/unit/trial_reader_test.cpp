#include "checkpoint/trial_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "checkpoint/merge.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using tests::sample_record;
using tests::sample_spec;
using tests::TemporaryFolder;

class Reading : public testing::Test {
 protected:
  Reading() {
    tests::SampleOptions options;
    options.test_rows = 40000;  // more than a pipe holds
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const TrialRecord record = sample_record(sample_spec("lora", "sst2", 100, seed), 0.8, options);
      parts_.push_back({folder_.path() / (record.id + ".h5")});
      write_trial(parts_.back().file, record);
    }
    parts_.push_back({folder_.path() / "damaged.h5"});
    std::ofstream(parts_.back().file) << "x";
    parts_.push_back({folder_.path() / "missing.h5"});
  }

  /// Everything that is read, as text; `after_first` acts once the first part is there.
  std::vector<std::string> read(std::size_t processes,
                                const std::function<void(const std::vector<int>&)>& after_first) {
    const auto held = h5::lock();
    TrialReader reader(parts_, Read::Everything, processes);
    EXPECT_EQ(reader.processes().size(), processes);
    std::vector<std::string> all;
    while (const auto part = reader.next()) {
      all.push_back(encode(*part));
      if (all.size() == 1) after_first(reader.processes());
    }
    return all;
  }

  TemporaryFolder folder_;
  std::vector<Part> parts_;
};

const auto kNothing = [](const std::vector<int>&) {};

TEST_F(Reading, OtherProcessesReadWhatThisOneReads) {
  const auto here = read(0, kNothing);
  EXPECT_EQ(here.size(), parts_.size());
  EXPECT_EQ(read(1, kNothing), here);
  EXPECT_EQ(read(3, kNothing), here);
}

TEST_F(Reading, WhatADeadProcessLeavesIsReadHere) {
  const auto end_all = [](const std::vector<int>& processes) {
    for (const int process : processes) kill(process, SIGKILL);
  };
  EXPECT_EQ(read(3, end_all), read(0, kNothing));
}

TEST_F(Reading, EachPartOfAMergedFileHoldsItsTrials) {
  merge({folder_.path()}, folder_.path() / "all.merged");
  const auto held = h5::lock();
  PartReader reader;
  std::vector<std::string> ids;
  for (const std::size_t first : {0U, 5U, 10U, 15U}) {
    const TrialsRead part = reader.read({folder_.path() / "all.merged", first, 5}, Read::WithoutTensors);
    for (const TrialRecord& record : part.trials) ids.push_back(record.id);
  }
  EXPECT_EQ(ids.size(), 12U);
  EXPECT_THAT(ids, testing::WhenSorted(testing::ElementsAreArray(ids)));
}

}  // namespace
}  // namespace peftgrid::checkpoint
