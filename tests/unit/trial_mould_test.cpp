#include "checkpoint/trial_mould.hpp"

#include <gtest/gtest.h>

#include "checkpoint/trial_file.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

TEST(Moulds, GiveTheBytesThatHdf5Gives) {
  const tests::TemporaryFolder folder;
  TrialRecord record = tests::sample_record(tests::sample_spec("lora", "sst2", 100, 1), 0.8);
  for (int i = 0; i < 12; ++i) {
    record.id = "0123456789abcde" + std::to_string(i % 10);
    record.total_s += 0.5;
    record.tests[0].predictions[0] = i % 2;
    record.tensors[0].values[0] += 1;
    record.tensors[0].sha256 = sha256_of_values(record.tensors[0].values);
    if (i == 6) record.environment += "of another width";
    const auto file = folder.path() / (std::to_string(i) + ".h5");
    write_trial(file, record);
    EXPECT_TRUE(trial_bytes(record) == tests::contents(file)) << "record " << i;
  }
}

TEST(Moulds, AreNotMadeOfFilesThatAreLaidOutOtherwise) {
  int built = 0;
  const auto build = [&] {
    ++built;
    return BuiltFile{"no file of trials, but it names 0123 " + std::to_string(built), {}};
  };
  Moulds moulds;
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(moulds.bytes("0123", {}, build), "no file of trials, but it names 0123 " + std::to_string(i));
  }
}

}  // namespace
}  // namespace peftgrid::checkpoint
