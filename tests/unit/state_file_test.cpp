#include "worker/training/state_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "checkpoint/mapped_file.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::worker {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::array<float, 3> kValues{1.0F, 2.0F, 3.0F}, kFirst{0.1F, 0.2F, 0.3F}, kSecond{0.01F, 0.02F, 0.03F};
const StateOwner kOwner{"0123456789abcdef", "A, then B", 3};

std::string_view bytes(const std::array<float, 3>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), sizeof numbers};
}

class StateFile : public testing::Test {
 protected:
  void SetUp() override {
    TrainingProgress progress;
    progress.step = progress.micro_step = 7;
    progress.curve = {{5, 1.0, 0.5, 0.75}};
    StateText text;
    checkpoint::write_safetensors(
        file_, state_tensors(progress, kOwner, {bytes(kValues), bytes(kFirst), bytes(kSecond), {}}, text));
  }

  StateContent read_as(const StateOwner& owner) {
    mapped_.emplace(file_, checkpoint::Links::Refuse);
    return state_content(mapped_->bytes(), owner);
  }

  tests::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "state.safetensors";
  std::optional<checkpoint::MappedFile> mapped_;
};

TEST_F(StateFile, GivesItsOwnerWhatWasWritten) {
  const StateContent content = read_as(kOwner);
  EXPECT_EQ(content.buffers.values, bytes(kValues));
  EXPECT_EQ(content.buffers.first, bytes(kFirst));
  EXPECT_EQ(content.buffers.second, bytes(kSecond));
  EXPECT_TRUE(content.buffers.best_values.empty());
  EXPECT_EQ(content.progress.step, 7);
  ASSERT_EQ(content.progress.curve.size(), 1U);
  EXPECT_EQ(content.progress.curve[0].selection_score, 0.75);
}

TEST_F(StateFile, OfAnotherTrialIsRefused) {
  EXPECT_THAT(
      [&] {
        read_as({"fedcba9876543210", kOwner.layout, 3});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("another trial's")));
}

TEST_F(StateFile, WithItsParametersInAnotherOrderIsRefused) {
  EXPECT_THAT(
      [&] {
        read_as({kOwner.id, "B, then A", 3});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("another order")));
}

TEST_F(StateFile, WithAnotherNumberOfParametersIsRefused) {
  EXPECT_THAT(
      [&] {
        read_as({kOwner.id, kOwner.layout, 4});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("another number of parameters")));
}

}  // namespace
}  // namespace peftgrid::worker
