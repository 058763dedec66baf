#include "checkpoint/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <fstream>

#include "checkpoint/errors.hpp"
#include "checkpoint/same_numbers.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
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
  fs::path trial(const std::string& run, const TrialRecord& record) const {
    return at(run) / "trials" / (record.id + ".h5");
  }
  /// Why `merge` refuses; what is at `out` must be as it was.
  static std::string refusal(const std::vector<fs::path>& sources, const fs::path& out, Earlier earlier) {
    const std::string before = fs::is_directory(out) ? "" : contents(out);
    std::string why = "it was not refused";
    try {
      merge(sources, out, earlier);
    } catch (const FileError& error) {
      why = error.what();
    }
    EXPECT_EQ(fs::is_directory(out) ? "" : contents(out), before);
    return why;
  }
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
  merge({at("one.h5"), at("a")}, at("three.h5"));
  EXPECT_EQ(contents(at("three.h5")), contents(at("two.h5")));
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

TEST_F(Merge, ReplacesAnEarlierMergedFileOnlyWhenAskedTo) {
  put("a", "lora", 1);
  put("b", "full", 1);
  merge({at("a")}, at("all.h5"));
  EXPECT_THAT(refusal({at("a"), at("b")}, at("all.h5"), Earlier::Keep), HasSubstr("--overwrite replaces it"));
  merge({at("a"), at("b")}, at("all.h5"), Earlier::Replace);
  EXPECT_EQ(collect({at("all.h5")}, Read::Everything).trials.size(), 2U);
}

TEST_F(Merge, NeverReplacesWhatIsNoMergedFile) {
  const TrialRecord record = put("a", "lora", 1);
  std::ofstream(at("notes.h5")) << "a year's work";
  fs::copy_file(trial("a", record), at(record.id + ".h5"));
  H5Fclose(H5Fcreate(at("other.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT));
  for (const Earlier earlier : {Earlier::Keep, Earlier::Replace}) {
    EXPECT_THAT(refusal({at("a")}, at("notes.h5"), earlier), HasSubstr("no merged file of this program"));
    EXPECT_THAT(refusal({at("a")}, at("other.h5"), earlier), HasSubstr("no merged file of this program"));
    EXPECT_THAT(refusal({at("a")}, at(record.id + ".h5"), earlier), HasSubstr("a trial's own file"));
    EXPECT_THAT(refusal({at("a")}, at("a/trials/all.h5"), earlier), HasSubstr("a file outside trials/"));
    EXPECT_THAT(refusal({at("a")}, at("a"), earlier), HasSubstr("is a folder"));
  }
}

TEST_F(Merge, NeverReplacesOneOfItsSources) {
  put("a", "lora", 1);
  put("a", "full", 1);
  merge({at("a")}, at("all.h5"));
  fs::create_hard_link(at("all.h5"), at("same.h5"));
  fs::create_symlink("all.h5", at("link.h5"));
  EXPECT_THAT(refusal({at("all.h5")}, at("all.h5"), Earlier::Replace), HasSubstr("among the files to be merged"));
  EXPECT_THAT(refusal({at("all.h5")}, at("same.h5"), Earlier::Replace), HasSubstr("among the files to be merged"));
  EXPECT_THAT(refusal({at("a")}, at("link.h5"), Earlier::Replace), HasSubstr("is a symbolic link"));
}

TEST_F(Merge, LeavesOutAFileUnderAnotherTrialsName) {
  const TrialRecord record = put("a", "lora", 1);
  put("a", "full", 1);
  fs::rename(trial("a", record), at("a/trials/aaaaaaaaaaaaaaaa.h5"));
  const Collection all = collect({at("a")}, Read::WithoutTensors);
  EXPECT_EQ(all.trials.size(), 1U);
  ASSERT_EQ(all.unreadable.size(), 1U);
  EXPECT_EQ(all.unreadable[0].file.stem(), "aaaaaaaaaaaaaaaa");
  EXPECT_THAT(all.unreadable[0].reason, HasSubstr("it holds trial " + record.id + ", which is not its name"));
}

TEST_F(Merge, LeavesOutAFileOfManyTrialsAmongThoseOfARun) {
  put("a", "lora", 1);
  put("a", "full", 1);
  merge({at("a")}, at("all.h5"));
  fs::rename(at("all.h5"), at("a/trials/all.h5"));
  const Collection all = collect({at("a")}, Read::WithoutTensors);
  EXPECT_EQ(all.trials.size(), 2U);
  ASSERT_EQ(all.unreadable.size(), 1U);
  EXPECT_THAT(all.unreadable[0].reason, HasSubstr("it holds 2 trials"));
}

TEST_F(Merge, LeavesOutWhatIsNoPlainFileAndNeverWaitsForIt) {
  put("a", "lora", 1);
  const fs::path trials = at("a") / "trials";
  ASSERT_EQ(::mkfifo((trials / "pipe.h5").c_str(), 0600), 0);
  fs::create_directory(trials / "folder.h5");
  fs::create_symlink("nowhere", trials / "link.h5");
  const Collection all = collect({at("a")}, Read::WithoutTensors);
  EXPECT_EQ(all.trials.size(), 1U);
  ASSERT_EQ(all.unreadable.size(), 3U);
  EXPECT_THAT(all.unreadable[0].reason, HasSubstr("is a folder"));
  EXPECT_THAT(all.unreadable[1].reason, HasSubstr("is a symbolic link"));
  EXPECT_THAT(all.unreadable[2].reason, HasSubstr("is a pipe"));
}

TEST_F(Merge, FollowsALinkThatIsNamedAndRefusesAPipe) {
  const TrialRecord record = put("a", "lora", 1);
  fs::create_symlink(trial("a", record), at("link.h5"));
  fs::create_symlink("nowhere", at("dangling.h5"));
  ASSERT_EQ(::mkfifo(at("pipe.h5").c_str(), 0600), 0);
  EXPECT_EQ(collect({at("link.h5")}, Read::WithoutTensors).trials.size(), 1U);
  EXPECT_THAT(refusal({at("dangling.h5")}, at("all.h5"), Earlier::Keep),
              HasSubstr("a symbolic link that leads nowhere"));
  EXPECT_THAT(refusal({at("pipe.h5")}, at("all.h5"), Earlier::Keep), HasSubstr("is a pipe"));
}

/// Groups in groups, as deep as that, in the only trial of a file.
void nest(const fs::path& file, const std::string& id, int depth) {
  const hid_t open = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t group = H5Gopen2(open, ("trials/" + id).c_str(), H5P_DEFAULT);
  for (int i = 0; i < depth; ++i) {
    const hid_t inner = H5Gcreate2(group, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
    group = inner;
  }
  H5Gclose(group);
  H5Fclose(open);
}

TEST_F(Merge, RefusesGroupsThatNestTwentyThousandDeep) {
  const TrialRecord record = put("a", "lora", 1);
  put("a", "full", 1);
  nest(trial("a", record), record.id, 20'000);
  const Collection left = merge({at("a")}, at("all.h5"));
  ASSERT_EQ(left.unreadable.size(), 1U);
  EXPECT_THAT(left.unreadable[0].reason, HasSubstr("it holds \"g\", which a trial has not"));
  EXPECT_EQ(left.trials.size(), 1U);
}

/// tensor_values of the only trial anew, as a gzipped chunk of the latest version of the format.
void gzip_values(const fs::path& file, const TrialRecord& record) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const hid_t open = H5Fopen(file.c_str(), H5F_ACC_RDWR, access);
  const hid_t group = H5Gopen2(open, ("trials/" + record.id).c_str(), H5P_DEFAULT);
  const hsize_t rows = record.tensors[0].values.size() + record.tensors[1].values.size();
  std::vector<float> values(rows);
  const hid_t old = H5Dopen2(group, "tensor_values", H5P_DEFAULT), space = H5Dget_space(old);
  H5Dread(old, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(old);
  H5Ldelete(group, "tensor_values", H5P_DEFAULT);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(creation, 1, &rows);
  H5Pset_deflate(creation, 6);
  const hid_t anew = H5Dcreate2(group, "tensor_values", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(anew, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(anew);
  H5Pclose(creation);
  H5Sclose(space);
  H5Gclose(group);
  H5Fclose(open);
  H5Pclose(access);
}

TEST_F(Merge, CopiesChunksOfALaterVersionOfTheFormat) {
  const TrialRecord record = put("a", "lora", 1);
  gzip_values(trial("a", record), record);
  merge({at("a")}, at("all.h5"));
  const TrialRecord merged = read_trial(at("all.h5"), record.id, Read::Everything);
  EXPECT_EQ(merged.tensors[0].values, record.tensors[0].values);
}

TEST_F(Merge, WritesTrialsOfAnEarlierFormatAnew) {
  const TrialRecord record = put("a", "lora", 1), other = put("a", "full", 1);
  const hid_t from = H5Fopen(trial("a", record).c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t to = H5Fcreate(at("earlier.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate(H5S_SCALAR);
  const std::int64_t layout = 2;
  const hid_t copied = H5Acreate2(to, "peftgrid_layout", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(copied, H5T_NATIVE_INT64, &layout);
  H5Aclose(copied);
  H5Sclose(space);
  H5Ocopy(from, "trials", to, "trials", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(to);
  H5Fclose(from);
  ASSERT_EQ(contents(at("earlier.h5"))[8], 0) << "the version of the format";
  fs::rename(at("earlier.h5"), trial("a", record));
  merge({at("a")}, at("all.h5"));
  for (const TrialRecord& one : {record, other}) {
    const TrialRecord merged = read_trial(at("all.h5"), one.id, Read::Everything);
    EXPECT_THAT(differences(one, merged), testing::IsEmpty());
    EXPECT_EQ(merged.tensors[0].values, one.tensors[0].values);
  }
}

TEST_F(Merge, CopiesNoAttributesOfATrial) {
  const TrialRecord record = put("a", "lora", 1);
  const hid_t open = H5Fopen(trial("a", record).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t curve = H5Dopen2(open, ("trials/" + record.id + "/curve").c_str(), H5P_DEFAULT);
  const hid_t space = H5Screate(H5S_SCALAR);
  H5Aclose(H5Acreate2(curve, "note", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Dclose(curve);
  H5Fclose(open);
  merge({at("a")}, at("all.h5"));
  const hid_t merged = H5Fopen(at("all.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  EXPECT_EQ(H5Aexists_by_name(merged, ("trials/" + record.id + "/curve").c_str(), "note", H5P_DEFAULT), 0);
  H5Fclose(merged);
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
