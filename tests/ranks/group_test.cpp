// What a Group and a line of mail promise, over real MPI ranks.
#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <utility>

#include "collectives/checked_group.hpp"
#include "tests/support/group_promises.hpp"
#include "tests/support/rank_main.hpp"

namespace peftgrid::tests {
namespace {

TEST(Mpi, KnowsItsRanks) {
  const auto group = session().group();
  EXPECT_EQ(group->size(), session().size());
  EXPECT_EQ(group->rank(), session().rank());
}

TEST(Mpi, KeepsEveryPromise) {
  const auto group = session().group();
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*group);
  }
}

TEST(Mpi, KeepsEveryPromiseUnderTheCheckingDecorator) {
  const auto group = collectives::checked(session().group());
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*group);
  }
}

TEST(Mpi, UnlikeCallsAreLearntByAll) {
  if (session().size() == 1) GTEST_SKIP() << "one rank is always at one with itself";
  const auto group = collectives::checked(session().group());
  unlike_calls_are_learnt_by_all(*group);
}

TEST(Mpi, ADeadlineThatPassesNamesItsPhase) {
  if (session().size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  const auto group = session().group();
  a_deadline_that_passes_names_its_phase(*group);
}

/// The ranks of the job that lie `step` apart, from this one's remainder.
std::vector<int> every(int step) {
  std::vector<int> ranks;
  for (int rank = session().rank() % step; rank < session().size(); rank += step) ranks.push_back(rank);
  return ranks;
}

TEST(Gang, OfAllRanksKeepsEveryPromise) {
  static const auto make = session().gangs();
  const auto gang = make(every(1), 1);
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*gang);
  }
}

TEST(Gang, OfEverySecondRankKeepsEveryPromiseBesideAnother) {
  const auto make = session().gangs();
  const auto gang = make(every(2), 1 + session().rank() % 2);
  EXPECT_EQ(gang->rank(), session().rank() / 2);
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*gang);
  }
}

TEST(Gang, WhoseRankNeverComesIsLeftAndItsOthersMakeANewOne) {
  if (session().size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  const auto make = session().gangs();
  const bool absent = session().rank() == session().size() - 1;
  if (!absent) {
    const auto gang = make(every(1), 1);
    // More than MPI sends without being asked, so that the memory of what is under way matters.
    std::vector<float> values(1'000'000, 1);
    bool given_up = false;
    const collectives::Deadline deadline("step 3", 20, [&] { return std::exchange(given_up, true); });
    EXPECT_THROW(gang->all_reduce(values, deadline), collectives::CommError);
  }
  const auto gang = make(every(1), 2);
  std::vector<float> values(1'000'000, 1);
  gang->all_reduce(values, soon());
  EXPECT_EQ(values.front(), static_cast<float>(session().size()));
  EXPECT_EQ(values.back(), static_cast<float>(session().size()));
}

constexpr std::size_t kLetters = 7;

std::string letter(int from, std::size_t number) {
  std::size_t size = 1;  // 1 byte to 1 MB
  for (std::size_t i = 0; i < number; ++i) size *= 10;
  return std::string(size, static_cast<char>('a' + (static_cast<std::size_t>(from) * 5 + number) % 26));
}

/// The next letter; gives up after a time in which it should have come.
collectives::Letter next(collectives::Mailbox& mailbox) {
  for (const collectives::Deadline deadline = soon(); !deadline.passed();) {
    if (auto come = mailbox.poll()) return *std::move(come);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  throw std::runtime_error("a letter did not come");
}

/// Rank 0's other thread: sends every letter back, and says whether each sender's came in order.
bool answer_all(collectives::Mailbox& coordinator, int ranks) {
  std::map<int, std::size_t> seen;
  bool in_order = true;
  for (std::size_t i = 0; i < kLetters * static_cast<std::size_t>(ranks); ++i) {
    collectives::Letter come = next(coordinator);
    in_order &= come.text == letter(come.from, seen[come.from]++);
    coordinator.send(come.from, std::move(come.text));
  }
  return in_order;
}

TEST(Line, CarriesTextsOfOneByteToOneMegabyteInOrderBothWays) {
  const auto group = session().group();
  auto line = session().line();
  EXPECT_EQ(line.coordinator != nullptr, session().rank() == 0);
  bool in_order = true;
  std::thread coordinator;
  if (line.coordinator) {
    coordinator = std::thread([&] { in_order = answer_all(*line.coordinator, session().size()); });
  }
  for (std::size_t i = 0; i < kLetters; ++i) line.worker->send(0, letter(session().rank(), i));
  for (std::size_t i = 0; i < kLetters; ++i) {
    const collectives::Letter come = next(*line.worker);
    EXPECT_EQ(come.from, 0);
    EXPECT_EQ(come.text, letter(session().rank(), i));
  }
  if (coordinator.joinable()) coordinator.join();
  EXPECT_TRUE(in_order);
  group->barrier(soon());  // a mailbox that goes takes with it what is still on its way
}

TEST(Line, WithoutALetterDoesNotWait) {
  const auto group = session().group();
  const auto line = session().line();
  EXPECT_FALSE(line.worker->poll());
  group->barrier(soon());
}

}  // namespace
}  // namespace peftgrid::tests
