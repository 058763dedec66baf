#include "checkpoint/trial_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>

#include "checkpoint/errors.hpp"
#include "checkpoint/same_numbers.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

using testing::HasSubstr;
using tests::contents;
using tests::sample_record;
using tests::sample_spec;
using tests::TemporaryFolder;

TrialRecord awkward_record() {
  TrialRecord record = sample_record(sample_spec("lora", "sst2", 100, 1), 0.8);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  record.reason = "ünïcode, \"quotes\"\nand a second line";
  record.warnings = {"class 3 has no training row", "", "another, much longer than the first two of the list"};
  record.tests.push_back({"mismatched", {{"pearson", nan}, {"spearman", -0.25}}, {0.5, 4.75, -0.0}, {nan, 1e300, 2}});
  record.curve.push_back({80, 4.0, 0.1, nan});
  record.tensors.push_back({"only.a.hash", {384, 384}, {}, std::string(64, 'f')});
  record.tensors.push_back({"scalar", {}, {1.5F}, sha256_of_values({1.5F})});
  return record;
}

std::string message_of(const std::filesystem::path& file) {
  try {
    read_trial(file);
  } catch (const FileError& error) {
    return error.what();
  }
  return "it was read without complaint";
}

TEST(TrialFile, KeepsEveryFieldOfARecord) {
  const TemporaryFolder folder;
  const TrialRecord written = awkward_record();
  write_trial(folder.path() / "t.h5", written);
  const TrialRecord read = read_trial(folder.path() / "t.h5");
  EXPECT_THAT(differences(written, read), testing::IsEmpty());
  EXPECT_EQ(read.id, written.id);
  EXPECT_EQ(read.reason, written.reason);
  EXPECT_EQ(read.spec, written.spec);
  EXPECT_EQ(read.environment, written.environment);
  EXPECT_EQ(read.warnings, written.warnings);
  EXPECT_EQ(read.stored_bytes, written.stored_bytes);
  EXPECT_EQ(read.peak_memory_bytes, written.peak_memory_bytes);
  EXPECT_EQ(read.training_s, written.training_s);
  EXPECT_EQ(read.inference_rows_per_s, written.inference_rows_per_s);
  ASSERT_EQ(read.tests.size(), 2U);
  EXPECT_TRUE(std::signbit(read.tests[1].labels[2])) << "minus zero is a value of its own";
  EXPECT_TRUE(std::isnan(read.tests[1].predictions[0]));
  EXPECT_EQ(read.tensors[0].values, written.tensors[0].values);
  EXPECT_EQ(read.tensors[3].values, written.tensors[3].values);
}

TEST(TrialFile, LeavesTensorValuesOutWhenAskedTo) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "t.h5", awkward_record());
  const TrialRecord read = read_trial(folder.path() / "t.h5", Read::WithoutTensors);
  ASSERT_EQ(read.tensors.size(), 4U);
  EXPECT_TRUE(read.tensors[0].values.empty());
  EXPECT_EQ(read.tensors[0].sha256.size(), 64U);
}

TEST(TrialFile, HasTheSameBytesForTheSameRecord) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "a.h5", awkward_record());
  write_trial(folder.path() / "b.h5", awkward_record());
  EXPECT_EQ(contents(folder.path() / "a.h5"), contents(folder.path() / "b.h5"));
}

TEST(TrialFile, HasTheSameBytesMadeInMemory) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "a.h5", awkward_record());
  EXPECT_TRUE(trial_bytes(awkward_record()) == contents(folder.path() / "a.h5"));
  EXPECT_TRUE(publish_trial(folder.path() / "b.h5", awkward_record()));
  EXPECT_TRUE(contents(folder.path() / "b.h5") == contents(folder.path() / "a.h5"));
  EXPECT_FALSE(publish_trial(folder.path() / "b.h5", awkward_record())) << "there is one already";
}

TEST(TrialFile, IsPublishedBesideHugeValuesToo) {
  const TemporaryFolder folder;
  TrialRecord record = awkward_record();
  record.tensors[0].shape = {static_cast<std::int64_t>(kInMemory / sizeof(float)) + 1};
  record.tensors[0].values.assign(static_cast<std::size_t>(record.tensors[0].shape[0]), 0.5F);
  record.tensors[0].sha256 = sha256_of_values(record.tensors[0].values);
  EXPECT_TRUE(publish_trial(folder.path() / "t.h5", record));
  EXPECT_EQ(read_trial(folder.path() / "t.h5").tensors[0].values, record.tensors[0].values);
}

TEST(TrialFile, LeavesNoDraftWhereItCannotBeKept) {
  const TemporaryFolder folder;
  TrialRecord record = awkward_record();
  record.tensors[0].shape = {3, 3};
  EXPECT_THROW(write_trial(folder.path() / "a.h5", record), FileError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a.h5"));
  EXPECT_THROW(publish_trial(folder.path() / "absent" / "b.h5", awkward_record()), FileError);
}

TEST(TrialFile, RefusesToOverwriteADraft) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "t.h5", awkward_record());
  EXPECT_THROW(write_trial(folder.path() / "t.h5", awkward_record()), FileError);
}

TEST(TrialFile, RefusesToKeepWhatItCouldNotRead) {
  const TemporaryFolder folder;
  TrialRecord record = awkward_record();
  record.tensors[0].shape = {3, 3};
  EXPECT_THROW(write_trial(folder.path() / "a.h5", record), FileError);
  record = awkward_record();
  record.id = "../../escape";
  EXPECT_THROW(write_trial(folder.path() / "b.h5", record), FileError);
  record = awkward_record();
  record.tests[0].name = "a/b";
  EXPECT_THROW(write_trial(folder.path() / "c.h5", record), FileError);
  record = awkward_record();
  record.tests[1].metrics.clear();
  EXPECT_THROW(write_trial(folder.path() / "d.h5", record), FileError);
  record = awkward_record();
  record.tests[0].labels.pop_back();
  EXPECT_THROW(write_trial(folder.path() / "e.h5", record), FileError);
}

TEST(TrialFile, NamesTheFileAndTheReasonWhenItIsNotOne) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of(folder.path() / "absent.h5"), HasSubstr("absent.h5"));
  std::ofstream(folder.path() / "text.h5") << "hello";
  EXPECT_THAT(message_of(folder.path() / "text.h5"), HasSubstr("text.h5: not a readable HDF5 file"));
  const hid_t other = H5Fcreate((folder.path() / "other.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(other);
  EXPECT_THAT(message_of(folder.path() / "other.h5"), HasSubstr("not one of trials"));
}

TEST(TrialFile, IsRefusedInAnotherLayoutThanThisPrograms) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "t.h5", awkward_record());
  const hid_t open = H5Fopen((folder.path() / "t.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t version = H5Aopen(open, "peftgrid_layout", H5P_DEFAULT);
  const std::int64_t earlier = 1;
  H5Awrite(version, H5T_NATIVE_INT64, &earlier);
  H5Aclose(version);
  H5Fclose(open);
  EXPECT_THAT(message_of(folder.path() / "t.h5"), HasSubstr("layout has version 1; this program reads version 2"));
}

/// Replaces the numbers of rows that the metrics of the only trial name.
void change_rows(const std::filesystem::path& file, const std::string& id, std::int64_t first, std::int64_t count) {
  const hid_t open = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t metrics = H5Dopen2(open, ("trials/" + id + "/metrics").c_str(), H5P_DEFAULT);
  const hid_t row = H5Tcreate(H5T_COMPOUND, 2 * sizeof first);
  H5Tinsert(row, "first", 0, H5T_NATIVE_INT64);
  H5Tinsert(row, "count", sizeof first, H5T_NATIVE_INT64);
  const std::vector<std::array<std::int64_t, 2>> places(3, {first, count});
  H5Dwrite(metrics, row, H5S_ALL, H5S_ALL, H5P_DEFAULT, places.data());
  H5Tclose(row);
  H5Dclose(metrics);
  H5Fclose(open);
}

TEST(TrialFile, IsRefusedWhenMetricsSpeakOfRowsThatAreNotTheirOwn) {
  const TemporaryFolder folder;
  const TrialRecord record = awkward_record();
  const auto file = folder.path() / "t.h5";
  const auto changed = [&](std::int64_t first, std::int64_t count) {
    std::filesystem::remove(file);
    write_trial(file, record);
    change_rows(file, record.id, first, count);
    return message_of(file);
  };
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(changed(0, most), HasSubstr("rows that predictions has not"));
  EXPECT_THAT(changed(0, -1), HasSubstr("rows that predictions has not"));
  EXPECT_THAT(changed(1, 600), HasSubstr("wrong rows of predictions"));
  EXPECT_THAT(changed(0, 603), HasSubstr("rows that predictions has not"));
  EXPECT_THAT(changed(0, 0), HasSubstr("predictions belong to no test set"));
}

TEST(TrialFile, IsRefusedWhenCutAtAnyPlace) {
  const TemporaryFolder folder;
  write_trial(folder.path() / "t.h5", awkward_record());
  const std::string whole = contents(folder.path() / "t.h5");
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    std::ofstream(folder.path() / "cut.h5", std::ios::binary) << whole.substr(0, size);
    EXPECT_THROW(read_trial(folder.path() / "cut.h5"), FileError) << "cut to " << size << " of " << whole.size();
  }
}

TEST(TrialFile, IsNeverReadWrongWithAByteChanged) {
  const TemporaryFolder folder;
  const TrialRecord written = awkward_record();
  write_trial(folder.path() / "t.h5", written);
  const std::string whole = contents(folder.path() / "t.h5");
  std::size_t refused = 0, tried = 0;
  for (std::size_t at = 0; at < whole.size(); at += 13, ++tried) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x15);
    std::ofstream(folder.path() / "changed.h5", std::ios::binary) << changed;
    try {
      EXPECT_THAT(differences(read_trial(folder.path() / "changed.h5"), written), testing::IsEmpty()) << "byte " << at;
    } catch (const FileError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, tried / 2) << "most bytes of a trial file mean something";
}

/// Replaces dataset `name` of the only trial by one of `type` and `size`.
void replace(const std::filesystem::path& file, const std::string& id, const std::string& name, hid_t type,
             hsize_t size, bool chunked = false) {
  const hid_t open = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t trial = H5Gopen2(open, ("trials/" + id).c_str(), H5P_DEFAULT);
  H5Ldelete(trial, name.c_str(), H5P_DEFAULT);
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 1024;
  if (chunked) H5Pset_chunk(creation, 1, &chunk);
  H5Dclose(H5Dcreate2(trial, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Sclose(space);
  H5Gclose(trial);
  H5Fclose(open);
}

TEST(TrialFile, RefusesValuesThatLieInAnotherFile) {
  const TemporaryFolder folder;
  const TrialRecord record = awkward_record();
  const auto file = folder.path() / "t.h5", elsewhere = folder.path() / "values";
  write_trial(file, record);
  std::ofstream(elsewhere) << std::string(4096, 'x');
  const hid_t open = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t trial = H5Gopen2(open, ("trials/" + record.id).c_str(), H5P_DEFAULT);
  H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
  const hsize_t size = 8;
  const hid_t space = H5Screate_simple(1, &size, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(creation, elsewhere.c_str(), 0, 8 * sizeof(float));
  H5Dclose(H5Dcreate2(trial, "tensor_values", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Sclose(space);
  H5Gclose(trial);
  H5Fclose(open);
  EXPECT_THAT(message_of(file), HasSubstr("outside the file"));
}

TEST(TrialFile, RefusesForeignTypesAndSizesBeforeTakingMemory) {
  const TemporaryFolder folder;
  const TrialRecord record = awkward_record();
  const auto broken = [&](const std::string& name, hid_t type, hsize_t size, bool chunked = false) {
    const auto file = folder.path() / "t.h5";
    std::filesystem::remove(file);
    write_trial(file, record);
    replace(file, record.id, name, type, size, chunked);
    return message_of(file);
  };
  const hsize_t huge = hsize_t{1} << 50U;
  EXPECT_THAT(broken("tensor_values", H5T_IEEE_F32LE, huge), HasSubstr("tensor_values claims"));
  EXPECT_THAT(broken("tensor_values", H5T_IEEE_F32LE, huge, true), HasSubstr("tensor_values claims"));
  EXPECT_THAT(broken("tensor_values", H5T_IEEE_F32LE, 0), HasSubstr("wrong place"));
  EXPECT_THAT(broken("tensor_values", H5T_STD_I8LE, 10), HasSubstr("not a list of 32-bit"));
  EXPECT_THAT(broken("curve", H5T_IEEE_F64LE, 4), HasSubstr("curve is not a table"));
  EXPECT_THAT(broken("tensors", H5T_STD_I8LE, 4), HasSubstr("tensors is not a table"));
  EXPECT_THAT(broken("record", H5T_IEEE_F64LE, 1), HasSubstr("record is not a table"));
  EXPECT_THAT(broken("metrics", H5T_STD_I8LE, 4), HasSubstr("metrics is not a table"));
  EXPECT_THAT(broken("predictions", H5T_IEEE_F64LE, 4), HasSubstr("predictions is not a table"));
  EXPECT_THAT(broken("warnings", H5T_STD_I64LE, 2), HasSubstr("warnings is not a list of texts"));
}

TEST(TrialFile, FollowsNoLinkOutOfItself) {
  const TemporaryFolder folder;
  const TrialRecord record = awkward_record();
  write_trial(folder.path() / "t.h5", record);
  write_trial(folder.path() / "other.h5", record);
  const hid_t open = H5Fopen((folder.path() / "t.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const std::string name = "trials/" + record.id + "/record";
  H5Ldelete(open, name.c_str(), H5P_DEFAULT);
  H5Lcreate_external((folder.path() / "other.h5").c_str(), name.c_str(), open, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(open);
  EXPECT_THAT(message_of(folder.path() / "t.h5"), HasSubstr("link to elsewhere"));
}

}  // namespace
}  // namespace peftgrid::checkpoint
