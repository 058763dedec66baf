// Features that the ranks of a node make together.
#include "worker/training/feature_board.hpp"

#include <gtest/gtest.h>

#include "tests/support/sample_trials.hpp"

namespace peftgrid::tests {
namespace {

using worker::FeatureBoard;

TEST(FeatureBoard, GivesEachGroupToOneOfThoseWhoOpenIt) {
  const TemporaryFolder folder;
  const auto one = FeatureBoard::open(folder.path(), "key", 3, 12),
             other = FeatureBoard::open(folder.path(), "key", 3, 12);
  EXPECT_TRUE(one->claim(0));
  EXPECT_FALSE(other->claim(0));
  EXPECT_TRUE(other->claim(1));
  EXPECT_FALSE(one->claim(1));
}

TEST(FeatureBoard, ShowsAllWhatOneHasFinished) {
  const TemporaryFolder folder;
  const auto one = FeatureBoard::open(folder.path(), "key", 3, 12),
             other = FeatureBoard::open(folder.path(), "key", 3, 12);
  one->claim(2);
  one->numbers()[11] = 5;
  EXPECT_FALSE(other->is_finished(2));
  one->finish(2, 0.25);
  other->finish(0, 0.5);
  EXPECT_TRUE(other->is_finished(2));
  EXPECT_EQ(other->numbers()[11], 5);
  EXPECT_EQ(one->seconds(), 0.75);
}

TEST(FeatureBoard, OfAnotherKeyIsAnother) {
  const TemporaryFolder folder;
  const auto one = FeatureBoard::open(folder.path(), "key", 3, 12),
             other = FeatureBoard::open(folder.path(), "else", 3, 12);
  EXPECT_TRUE(one->claim(0));
  EXPECT_TRUE(other->claim(0));
}

TEST(FeatureBoard, OutlivesTheFolderThatTheFirstToLeaveRemoves) {
  const TemporaryFolder folder;
  const auto board = FeatureBoard::open(folder.path(), "key", 3, 12);
  std::filesystem::remove_all(folder.path());
  EXPECT_TRUE(board->claim(0));
  EXPECT_EQ(FeatureBoard::open(folder.path(), "key", 3, 12), nullptr);
}

TEST(FeatureBoard, IsNotToBeHadWithoutAFolderOrRoom) {
  const TemporaryFolder folder;
  EXPECT_EQ(FeatureBoard::open("", "key", 3, 12), nullptr);
  constexpr std::size_t kMost = FeatureBoard::kMostBytes / sizeof(float);
  EXPECT_EQ(FeatureBoard::open(folder.path(), "vast", 1, kMost), nullptr);
  const auto half = FeatureBoard::open(folder.path(), "half", 1, kMost / 2);
  ASSERT_NE(half, nullptr);
  EXPECT_EQ(FeatureBoard::open(folder.path(), "another half", 1, kMost / 2), nullptr);
  EXPECT_NE(FeatureBoard::open(folder.path(), "half", 1, kMost / 2), nullptr);
}

}  // namespace
}  // namespace peftgrid::tests
