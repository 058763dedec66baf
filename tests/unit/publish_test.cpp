#include "checkpoint/publish.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

#include "checkpoint/errors.hpp"
#include "checkpoint/sha256.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

class Publish : public testing::Test {
 protected:
  Publish() {
    std::string name = (fs::temp_directory_path() / "publish.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Publish() override { fs::remove_all(folder_); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path folder_;
};

TEST_F(Publish, GivesTheDraftItsName) {
  EXPECT_TRUE(publish(write("draft", "new"), folder_ / "final"));
  EXPECT_EQ(read("final"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "draft"));
}

TEST_F(Publish, NeverReplacesAnEarlierFileAndDropsTheDraft) {
  write("final", "first");
  EXPECT_FALSE(publish(write("draft", "second"), folder_ / "final"));
  EXPECT_EQ(read("final"), "first");
  EXPECT_FALSE(fs::exists(folder_ / "draft"));
}

TEST_F(Publish, GivesBytesTheirName) {
  EXPECT_TRUE(publish_bytes("new", folder_ / "final"));
  EXPECT_FALSE(publish_bytes("newer", folder_ / "final"));
  EXPECT_EQ(read("final"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "no draft is left";
  EXPECT_THROW(publish_bytes("new", folder_ / "absent" / "final"), FileError);
}

TEST_F(Publish, ReplacesWhereThatIsAskedFor) {
  write("final", "first");
  publish_replacing(write("draft", "second"), folder_ / "final");
  EXPECT_EQ(read("final"), "second");
}

TEST_F(Publish, SaysWhichFileTheDiskRefused) {
  try {
    publish(folder_ / "absent", folder_ / "final");
    FAIL() << "a missing draft was published";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("absent"));
  }
  EXPECT_THROW(publish(write("draft", "x"), folder_ / "no" / "such" / "folder"), FileError);
}

TEST_F(Publish, DraftsHaveNamesOfTheirOwnBesideTheFile) {
  const fs::path one = draft_beside(folder_ / "t.h5"), other = draft_beside(folder_ / "t.h5");
  EXPECT_NE(one, other);
  EXPECT_EQ(one.parent_path(), folder_);
  EXPECT_EQ(one.filename().string().front(), '.');
}

TEST_F(Publish, HashesLikeEveryOtherSha256) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_files({write("a", "ab"), write("b", ""), write("c", "c")}), sha256("abc"));
  EXPECT_THROW(sha256_of_files({folder_ / "absent"}), FileError);
  EXPECT_THROW(sha256_of_files({folder_}), FileError);
}

}  // namespace
}  // namespace peftgrid::checkpoint
