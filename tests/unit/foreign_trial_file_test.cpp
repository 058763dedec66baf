#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>

#include "checkpoint/errors.hpp"
#include "checkpoint/same_numbers.hpp"
#include "checkpoint/trial_file.hpp"
#include "tests/support/sample_trials.hpp"

// Trial files as other programs leave them: repacked, hostile, or not to be had.
namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

using Filters = std::vector<H5Z_filter_t>;

class ForeignTrialFile : public testing::Test {
 protected:
  ForeignTrialFile() { write_trial(file_, record_); }

  /// What reading it says, whichever part is asked for.
  std::string message(Read how = Read::Everything) const {
    try {
      read_trial(file_, how);
    } catch (const FileError& error) {
      return error.what();
    }
    return "it was read without complaint";
  }
  /// Does `act` to the group of the only trial.
  template <typename Do>
  void in_trial(Do act, H5F_libver_t version = H5F_LIBVER_EARLIEST) const {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, version, H5F_LIBVER_LATEST);
    const hid_t open = H5Fopen(file_.c_str(), H5F_ACC_RDWR, access);
    const hid_t trial = H5Gopen2(open, ("trials/" + record_.id).c_str(), H5P_DEFAULT);
    act(trial);
    H5Gclose(trial);
    H5Fclose(open);
    H5Pclose(access);
  }
  /// The dataset anew, in chunks of so many rows (0: all) that go through the filters.
  static void repack(hid_t trial, const char* name, hsize_t chunk, const Filters& filters) {
    const hid_t old = H5Dopen2(trial, name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(old), space = H5Dget_space(old);
    const hssize_t rows = H5Sget_simple_extent_npoints(space);
    std::string packed(static_cast<std::size_t>(rows) * H5Tget_size(type), 0);
    H5Dread(old, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data());
    H5Dclose(old);
    H5Ldelete(trial, name, H5P_DEFAULT);
    const hid_t anew =
        chunked(trial, name, type, static_cast<hsize_t>(rows),
                chunk == 0 ? static_cast<hsize_t>(rows) : std::min(chunk, static_cast<hsize_t>(rows)), filters);
    H5Dwrite(anew, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data());
    H5Dclose(anew);
    H5Sclose(space);
    H5Tclose(type);
  }
  static hid_t chunked(hid_t trial, const char* name, hid_t type, hsize_t rows, hsize_t chunk, const Filters& filters) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &rows, nullptr);
    H5Pset_chunk(creation, 1, &chunk);
    for (const H5Z_filter_t filter : filters) {
      if (filter == H5Z_FILTER_DEFLATE) H5Pset_deflate(creation, 6);
      if (filter == H5Z_FILTER_SHUFFLE) H5Pset_shuffle(creation);
      if (filter == H5Z_FILTER_FLETCHER32) H5Pset_fletcher32(creation);
      if (filter == H5Z_FILTER_NBIT) H5Pset_nbit(creation);
    }
    const hid_t made = H5Dcreate2(trial, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(creation);
    return made;
  }
  /// tensor_values as one chunk of what zlib makes of `bytes` zeros.
  void put_zeros(std::size_t bytes) const {
    const std::string zeros(bytes, 0);
    uLongf length = compressBound(bytes);
    std::string packed(length, 0);
    compress(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(zeros.data()), bytes);
    in_trial([&](hid_t trial) {
      H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
      const hid_t made = chunked(trial, "tensor_values", H5T_IEEE_F32LE, values(), values(), {H5Z_FILTER_DEFLATE});
      const hsize_t first = 0;
      H5Dwrite_chunk(made, H5P_DEFAULT, 0, &first, length, packed.data());
      H5Dclose(made);
    });
  }
  hsize_t values() const { return record_.tensors[0].values.size() + record_.tensors[1].values.size(); }
  /// Why the file could not be had; nothing where it was read or found torn.
  std::optional<UnreadError::Why> why_unread() const {
    try {
      read_trial(file_);
    } catch (const UnreadError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      return error.why();
    } catch (const FileError&) {
    }
    return std::nullopt;
  }

  tests::TemporaryFolder folder_;
  TrialRecord record_ = tests::sample_record(tests::sample_spec("lora", "sst2", 100, 1), 0.8);
  fs::path file_ = folder_.path() / "t.h5";
};

struct Packing {
  hsize_t chunk;
  Filters filters;
  H5F_libver_t version;
};

class RepackedTrialFile : public ForeignTrialFile, public testing::WithParamInterface<Packing> {};

TEST_P(RepackedTrialFile, IsReadAsIfItWereOurs) {
  const auto& [chunk, filters, version] = GetParam();
  in_trial(
      [&](hid_t trial) {
        for (const char* name : {"metrics", "predictions", "curve", "tensors", "tensor_values"}) {
          repack(trial, name, chunk, filters);
        }
      },
      version);
  const TrialRecord read = read_trial(file_);
  EXPECT_THAT(differences(record_, read), testing::IsEmpty());
  EXPECT_EQ(read.tensors[0].values, record_.tensors[0].values);
  EXPECT_EQ(message(Read::ToCopy), "it was read without complaint");
}

constexpr H5Z_filter_t kGzip = H5Z_FILTER_DEFLATE, kShuffle = H5Z_FILTER_SHUFFLE, kSums = H5Z_FILTER_FLETCHER32;
INSTANTIATE_TEST_SUITE_P(, RepackedTrialFile,
                         testing::Values(Packing{0, {}, H5F_LIBVER_EARLIEST}, Packing{7, {}, H5F_LIBVER_EARLIEST},
                                         Packing{0, {kGzip}, H5F_LIBVER_EARLIEST},
                                         Packing{7, {kShuffle, kGzip}, H5F_LIBVER_EARLIEST},
                                         Packing{0, {kShuffle, kGzip, kSums}, H5F_LIBVER_EARLIEST},
                                         Packing{7, {kSums, kShuffle, kGzip}, H5F_LIBVER_EARLIEST},
                                         Packing{0, {kShuffle, kGzip}, H5F_LIBVER_LATEST},
                                         Packing{7, {kShuffle, kGzip}, H5F_LIBVER_LATEST},
                                         Packing{0, {}, H5F_LIBVER_LATEST}));

TEST_F(ForeignTrialFile, IsRefusedWithAnyOtherFilter) {
  in_trial([&](hid_t trial) { repack(trial, "tensor_values", 0, {kGzip, kShuffle}); });
  EXPECT_EQ(why_unread(), UnreadError::Why::Unreadable) << "it may be whole";
  EXPECT_THAT(message(), HasSubstr("tensor_values went through another filter"));
  in_trial([&](hid_t trial) { repack(trial, "tensor_values", 0, {kGzip, kGzip}); });
  EXPECT_THAT(message(), HasSubstr("tensor_values went through another filter"));
  in_trial([&](hid_t trial) { repack(trial, "tensor_values", 0, {H5Z_FILTER_NBIT}); });
  EXPECT_THAT(message(), HasSubstr("tensor_values went through another filter"));
}

TEST_F(ForeignTrialFile, IsRefusedWhereAChunkUnpacksToMoreOrLessThanItsRows) {
  put_zeros(values() * sizeof(float));
  EXPECT_THAT(message(), HasSubstr("SHA-256")) << "the right size, and other values";
  put_zeros(std::size_t{1} << 26U);
  EXPECT_THAT(message(), HasSubstr("its compressed values do not unpack"));
  put_zeros(values() * sizeof(float) - 1);
  EXPECT_THAT(message(), HasSubstr("its compressed values do not unpack"));
}

TEST_F(ForeignTrialFile, IsRefusedWithMoreRowsThanItsBytesMayUnpackTo) {
  const auto claim = [&](hsize_t rows) {
    in_trial([&](hid_t trial) {
      H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
      H5Dclose(chunked(trial, "tensor_values", H5T_IEEE_F32LE, rows, 1024, {kGzip}));
    });
    return message(Read::ToCopy);
  };
  EXPECT_THAT(claim(hsize_t{1} << 24U), HasSubstr("tensor_values claims"));
  EXPECT_THAT(claim(values()), HasSubstr("tensor_values lacks some of its values"));
}

TEST_F(ForeignTrialFile, IsNotCopiedWithOtherValuesThanThoseOfItsTensors) {
  const auto with = [&](hsize_t rows) {
    in_trial([&](hid_t trial) {
      H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
      const hid_t space = H5Screate_simple(1, &rows, nullptr);
      H5Dclose(H5Dcreate2(trial, "tensor_values", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      H5Sclose(space);
    });
    return message(Read::ToCopy);
  };
  EXPECT_EQ(with(values()), "it was read without complaint");
  EXPECT_THAT(with(values() + 1), HasSubstr("tensor_values holds values of no tensor"));
  EXPECT_THAT(with(values() - 1), HasSubstr("at the wrong place of tensor_values"));
}

TEST_F(ForeignTrialFile, IsRefusedWithAnythingButItsTables) {
  in_trial([](hid_t trial) { H5Gclose(H5Gcreate2(trial, "extra", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); });
  for (const Read how : {Read::Everything, Read::WithoutTensors, Read::ToCopy}) {
    EXPECT_THAT(message(how), HasSubstr("it holds \"extra\", which a trial has not"));
  }
}

TEST_F(ForeignTrialFile, IsRefusedWhereATypeLiesElsewhere) {
  in_trial([&](hid_t trial) {
    H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE), file = H5Iget_file_id(trial);
    H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t rows = values();
    const hid_t space = H5Screate_simple(1, &rows, nullptr);
    H5Dclose(H5Dcreate2(trial, "tensor_values", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(file);
  });
  EXPECT_THAT(message(Read::ToCopy), HasSubstr("tensor_values has a type that lies elsewhere"));
}

TEST_F(ForeignTrialFile, IsRefusedWithATypeThatNestsAsDeepAsHdf5Allows) {
  in_trial([](hid_t trial) {
    H5Ldelete(trial, "curve", H5P_DEFAULT);
    hid_t type = H5Tcopy(H5T_NATIVE_INT64), made = H5I_INVALID_HID;
    const hsize_t one = 1;
    const hid_t space = H5Screate_simple(1, &one, nullptr);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    for (int depth = 0; depth < 2500; ++depth) {  // a header holds 64 KB
      const hid_t outer = H5Tarray_create2(type, 1, &one);
      H5Tclose(type);
      type = outer;
    }
    made = H5Dcreate2(trial, "curve", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(made, 0);
    H5Dclose(made);
    H5Tclose(type);
    H5Sclose(space);
  });
  EXPECT_THAT(message(), HasSubstr("curve is not a table"));
}

TEST_F(ForeignTrialFile, IsRefusedWhereValuesAreMadeOfOtherFiles) {
  in_trial([&](hid_t trial) {
    H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
    const hsize_t rows = values();
    const hid_t space = H5Screate_simple(1, &rows, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(creation, space, "other.h5", "values", space);
    H5Dclose(H5Dcreate2(trial, "tensor_values", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
  });
  EXPECT_THAT(message(Read::ToCopy), HasSubstr("tensor_values is stored outside the file"));
}

TEST_F(ForeignTrialFile, IsRefusedWhereANameIsALinkWithinTheFile) {
  in_trial([&](hid_t trial) {
    H5Ldelete(trial, "tensor_values", H5P_DEFAULT);
    H5Lcreate_soft("record", trial, "tensor_values", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(message(Read::ToCopy), HasSubstr("tensor_values is a link to elsewhere"));
}

TEST_F(ForeignTrialFile, IsRefusedWhereItIsNearlyAllHoles) {
  fs::resize_file(file_, std::uintmax_t{1} << 40U);
  EXPECT_THAT(message(), HasSubstr("nearly all of them holes"));
}

TEST_F(ForeignTrialFile, IsReadWhileAnotherProgramHasItLocked) {
  const int other = ::open(file_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_EQ(read_trial(file_).id, record_.id);
  ::close(other);
}

TEST_F(ForeignTrialFile, IsLockedWithTheMarkOfALaterHdf5sWriter) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const fs::path written = folder_.path() / "written.h5";
  const hid_t open = H5Fcreate(written.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, access);
  H5Fflush(open, H5F_SCOPE_GLOBAL);
  fs::copy_file(written, file_, fs::copy_options::overwrite_existing);
  H5Fclose(open);
  H5Pclose(access);
  EXPECT_EQ(why_unread(), UnreadError::Why::Locked) << message();
}

TEST_F(ForeignTrialFile, IsMissingUnreadableOrTornAndNeverConfused) {
  fs::resize_file(file_, fs::file_size(file_) / 2);
  EXPECT_EQ(why_unread(), std::nullopt) << "torn";
  fs::remove(file_);
  EXPECT_EQ(why_unread(), UnreadError::Why::Missing);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(why_unread(), UnreadError::Why::NoPlainFile);
  fs::remove(file_);
  fs::create_symlink("nowhere", file_);
  EXPECT_EQ(why_unread(), UnreadError::Why::NoPlainFile);
  fs::remove(file_);
  fs::create_directory(file_);
  EXPECT_EQ(why_unread(), UnreadError::Why::NoPlainFile);
}

TEST_F(ForeignTrialFile, IsUnreadableWithoutPermission) {
  fs::permissions(file_, fs::perms::none);
  const uid_t before = ::geteuid();
  constexpr uid_t kNobody = 65534;  // root may read everything
  if (before == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const auto why = why_unread();
  ASSERT_EQ(::seteuid(before), 0);
  EXPECT_EQ(why, UnreadError::Why::Unreadable);
}

}  // namespace
}  // namespace peftgrid::checkpoint
