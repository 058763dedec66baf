// Files as they are expected, and what stands in their place: pipes, links, folders, other users' folders.
#include "checkpoint/plain_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "checkpoint/errors.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/safetensors.hpp"
#include "worker/text.hpp"

namespace peftgrid::tests {

namespace fs = std::filesystem;
using checkpoint::FileError;
using checkpoint::Links;

class PlainFile : public testing::Test {
 protected:
  PlainFile() {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~PlainFile() override { fs::remove_all(root_); }

  std::string refusal(const fs::path& file, Links links = Links::Refuse) {
    try {
      checkpoint::open_plain(file, O_RDONLY, links);
      return "";
    } catch (const FileError& error) {
      return error.what();
    }
  }

  const fs::path root_ = fs::path(testing::TempDir()) / ("plain_file_" + std::to_string(getpid()));
};

TEST_F(PlainFile, WhatIsNoPlainFileIsNamedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  fs::create_directory(root_ / "folder");
  fs::create_symlink(root_ / "nowhere", root_ / "dangling");
  EXPECT_NE(refusal(root_ / "pipe").find("is a pipe; a plain file would be right"), std::string::npos);
  EXPECT_NE(refusal(root_ / "folder").find("is a folder"), std::string::npos);
  EXPECT_NE(refusal(root_ / "dangling").find("is a symbolic link"), std::string::npos);
  EXPECT_NE(refusal("/dev/null").find("is a device"), std::string::npos);
}

TEST_F(PlainFile, ALinkIsFollowedOnlyWhereThatIsWanted) {
  std::ofstream(root_ / "file") << "text";
  fs::create_symlink(root_ / "file", root_ / "link");
  EXPECT_NE(refusal(root_ / "link").find("is a symbolic link"), std::string::npos);
  EXPECT_EQ(checkpoint::read_plain(root_ / "link", 100, Links::Follow), "text");
}

TEST_F(PlainFile, NoMoreIsReadThanAllowed) {
  std::ofstream(root_ / "file") << std::string(1000, 'x');
  EXPECT_EQ(checkpoint::read_plain(root_ / "file", 1000, Links::Refuse).size(), 1000U);
  EXPECT_THROW(checkpoint::read_plain(root_ / "file", 999, Links::Refuse), FileError);
}

TEST_F(PlainFile, AFolderThatOthersMayEnterIsNotPrivate) {
  EXPECT_TRUE(checkpoint::make_private_folder(root_ / "own"));
  EXPECT_TRUE(checkpoint::make_private_folder(root_ / "own"));
  fs::permissions(root_ / "own", fs::perms::group_exec, fs::perm_options::add);
  EXPECT_FALSE(checkpoint::make_private_folder(root_ / "own"));
}

TEST_F(PlainFile, ALinkToAPrivateFolderIsNone) {
  ASSERT_TRUE(checkpoint::make_private_folder(root_ / "own"));
  fs::create_directory_symlink(root_ / "own", root_ / "link");
  EXPECT_FALSE(checkpoint::make_private_folder(root_ / "link"));
}

TEST_F(PlainFile, AnotherUsersFolderIsNotPrivate) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_TRUE(checkpoint::make_private_folder(root_ / "own"));
  ASSERT_EQ(::chown((root_ / "own").c_str(), 12345, 12345), 0);
  EXPECT_FALSE(checkpoint::make_private_folder(root_ / "own"));
}

TEST_F(PlainFile, DraftsOfDeadProcessesGoAndThoseOfLivingOnesStay) {
  const fs::path mine = checkpoint::draft_beside(root_ / "file");
  std::string name = mine.filename().string();
  const std::string pid = "." + std::to_string(getpid()) + ".";
  std::ofstream(mine) << "at work";
  const fs::path dead = root_ / name.replace(name.rfind(pid), pid.size(), ".999999999.");
  std::ofstream(dead) << "left";
  const fs::path elsewhere = root_ / ".file.anotherhost.12.0.draft";
  std::ofstream(elsewhere) << "may be at work";
  checkpoint::remove_dead_drafts(root_);
  EXPECT_TRUE(fs::exists(mine));
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(elsewhere));
}

TEST_F(PlainFile, AMappingWhoseFileIsCutShortReadsAsZerosAndIsTold) {
  checkpoint::survive_torn_mappings();
  std::ofstream(root_ / "file") << std::string(1 << 20, 'x');
  const checkpoint::MappedFile mapped(root_ / "file");
  fs::resize_file(root_ / "file", 100);
  EXPECT_FALSE(checkpoint::torn_mapping());
  EXPECT_EQ(mapped.bytes()[500'000], '\0');
  EXPECT_EQ(checkpoint::torn_mapping(), (root_ / "file").string());
  EXPECT_FALSE(checkpoint::torn_mapping()) << "it is told once";
}

TEST_F(PlainFile, AStampTellsAFileThatWasWrittenToAndGivenItsOldTimeBack) {
  std::ofstream(root_ / "file") << "one";
  const auto before = checkpoint::stamp_of(root_ / "file");
  const auto time = fs::last_write_time(root_ / "file");
  ::usleep(20'000);
  std::ofstream(root_ / "file") << "two";
  fs::last_write_time(root_ / "file", time);
  EXPECT_NE(checkpoint::stamp_of(root_ / "file"), before);
}

TEST_F(PlainFile, TensorsThatCannotFitAreNotBegun) {
  const fs::path file = root_ / "huge.safetensors";
  const std::uint64_t bytes = std::uint64_t{1} << 60;
  const std::vector<checkpoint::TensorToWrite> huge = {{"t", "U8", {static_cast<std::int64_t>(bytes)}, "", bytes}};
  EXPECT_THROW(checkpoint::write_safetensors(file, huge), FileError);
  EXPECT_FALSE(fs::exists(file));
}

TEST(Text, ControlCharactersAreShownAsText) {
  for (int c = 1; c < 32; ++c) {
    const std::string shown = worker::shown(std::string("a") + static_cast<char>(c) + "b");
    EXPECT_EQ(shown.size(), 6U) << c;
    EXPECT_EQ(shown.substr(0, 3), "a\\x") << c;
  }
  EXPECT_EQ(worker::shown("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(worker::shown("\u009b31m"), "\\xc2\\x9b31m");
  EXPECT_EQ(worker::shown("a\u202eb"), "a\\xe2\\x80\\xaeb");
  EXPECT_EQ(worker::shown("größer ± 1, 日本"), "größer ± 1, 日本");
}

TEST(Text, BytesThatAreNotUtf8AreShownAsText) {
  EXPECT_EQ(worker::shown("caf\xe9"), "caf\\xe9");
}

TEST(Text, LinesOfTheProgramsOwnStayLines) {
  EXPECT_EQ(worker::shown("a\n\tb\r", worker::Lines::Keep), "a\n\tb\\x0d");
}

TEST(Text, PathsOfAnyBytesComeBackFromText) {
  for (const std::string path :
       {"/plain", "/caf\xe9", "/back\\slash", "/\\x41", "/\\\\xff\xff", "/\xff\xfe\\", "/tab\t"}) {
    const std::string text = worker::text_of_path(path);
    EXPECT_FALSE(worker::first_invalid_utf8(text)) << text;
    EXPECT_EQ(worker::path_of_text(text), path);
  }
}

}  // namespace peftgrid::tests
