#include "checkpoint/trial_mould.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/same_numbers.hpp"
#include "checkpoint/trial_file.hpp"
#include "checkpoint/trial_layout.hpp"
#include "checkpoint/trial_message.hpp"
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

/// Files of one shape, another in each test, and what is in them.
class FilesOfOneShape : public testing::Test {
 protected:
  FilesOfOneShape() {
    TrialRecord record = tests::sample_record(tests::sample_spec("lora", "sst2", 100, 1), 0.8);
    static std::size_t shapes = 100;
    record.curve.resize(++shapes);
    for (int i = 0; i < 4; ++i) {
      record.id = "0123456789abcde" + std::to_string(i);
      record.total_s += 0.5;
      record.spec.back() = static_cast<char>('0' + i);
      record.tests[0].predictions[0] = i % 2;
      record.tensors[0].values[0] += 1;
      record.tensors[0].sha256 = sha256_of_values(record.tensors[0].values);
      records_.push_back(record);
      write_trial(file(i), record);
    }
  }
  std::filesystem::path file(int i) const { return folder_.path() / (std::to_string(i) + ".h5"); }
  void change(int i, std::size_t at) {
    std::fstream bytes(file(i), std::ios::in | std::ios::out | std::ios::binary);
    const int old = bytes.seekg(static_cast<std::streamoff>(at)).get();
    bytes.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(old ^ 1));
  }

  tests::TemporaryFolder folder_;
  std::vector<TrialRecord> records_;
};

TEST_F(FilesOfOneShape, AreReadWithoutHdf5OnceTwoOfThemWereReadWithIt) {
  for (int i = 0; i < 4; ++i) {
    const auto held = h5::lock();
    EXPECT_EQ(read_by_mould(file(i), Links::Refuse, Read::Everything).has_value(), i >= 2) << "file " << i;
    const h5::File open = h5::open_file(file(i), Links::Refuse);
    learn_mould(file(i), open_trials(open.get()).get(), records_[static_cast<std::size_t>(i)].id);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const TrialRecord read = read_trial(file(static_cast<int>(i)));
    EXPECT_EQ(encode({{}, {read}, {}}), encode({{}, {records_[i]}, {}}));
    EXPECT_EQ(read.tensors[0].values, records_[i].tensors[0].values);
  }
}

TEST_F(FilesOfOneShape, AreNotReadByMouldWhereAnyByteIsAnother) {
  for (int i = 0; i < 3; ++i) read_trial(file(i));
  const std::string whole = tests::contents(file(3));
  for (std::size_t at = 0; at < whole.size(); at += at < 2048 ? 1 : 13) {
    change(3, at);
    const auto held = h5::lock();
    const auto read = read_by_mould(file(3), Links::Refuse, Read::Everything);
    EXPECT_TRUE(!read || differences(*read, records_[3]).empty()) << "byte " << at;
    change(3, at);
  }
  EXPECT_TRUE(read_by_mould(file(3), Links::Refuse, Read::Everything));
}

TEST(Moulds, AreNotMadeOfFilesThatAreLaidOutOtherwise) {
  int built = 0;
  Moulds moulds([&](const StoredTrial&) {
    ++built;
    return BuiltFile{"no file of trials, but it names 0123 " + std::to_string(built), {}};
  });
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(moulds.bytes({"0123", {}}), "no file of trials, but it names 0123 " + std::to_string(i));
  }
}

}  // namespace
}  // namespace peftgrid::checkpoint
