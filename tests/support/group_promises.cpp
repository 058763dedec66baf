#include "tests/support/group_promises.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace peftgrid::tests {

using collectives::CommError;
using collectives::Deadline;
using collectives::Group;

namespace {

/// Bytes that differ from rank to rank.
std::string text_of(int rank, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>((i * 31 + static_cast<std::size_t>(rank) * 7) % 251);
  return text;
}

void broadcast_copies_the_roots_bytes(Group& group) {
  for (int root = 0; root < group.size(); ++root) {
    for (const std::size_t size : {0UL, 1UL, 1000UL, 300000UL}) {
      std::string text = text_of(group.rank(), size);
      group.broadcast(std::as_writable_bytes(std::span(text)), root, soon());
      EXPECT_EQ(text, text_of(root, size));
    }
  }
}

void broadcast_text_needs_no_length(Group& group) {
  for (int root = 0; root < group.size(); ++root) {
    const std::string mine = group.rank() == root ? text_of(root, 12345) : "something else";
    EXPECT_EQ(broadcast_text(group, mine, root, soon()), text_of(root, 12345));
  }
}

void all_reduce_adds_in_rank_order(Group& group) {
  // Sums of such unlike sizes depend on the order, so only the promised one gives these bytes.
  const auto of_rank = [](int rank, std::size_t i) {
    return std::ldexp(1.0F + static_cast<float>(i % 97) / 97.0F, (rank * 11 + static_cast<int>(i)) % 24) *
           (rank % 2 == 0 ? 1.0F : -1.0F);
  };
  for (const std::size_t count : {0UL, 1UL, 1003UL, 100000UL}) {
    std::vector<float> values(count), expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = of_rank(group.rank(), i);
      for (int rank = 0; rank < group.size(); ++rank) expected[i] += of_rank(rank, i);
    }
    group.all_reduce(values, soon());
    EXPECT_EQ(values, expected);
  }
}

void all_reduce_carries_nan_to_every_rank(Group& group) {
  std::vector<float> values{1.0F, group.rank() == group.size() - 1 ? NAN : 1.0F};
  group.all_reduce(values, soon());
  EXPECT_EQ(values[0], static_cast<float>(group.size()));
  EXPECT_TRUE(std::isnan(values[1]));
}

void gather_brings_texts_of_any_length_to_the_root(Group& group) {
  const auto size = [](int rank) { return static_cast<std::size_t>(rank) * 70000; };
  for (int root = 0; root < group.size(); ++root) {
    const auto all = group.gather(text_of(group.rank(), size(group.rank())), root, soon());
    if (group.rank() != root) {
      EXPECT_TRUE(all.empty());
      continue;
    }
    ASSERT_EQ(all.size(), static_cast<std::size_t>(group.size()));
    for (int rank = 0; rank < group.size(); ++rank) {
      EXPECT_EQ(all[static_cast<std::size_t>(rank)], text_of(rank, size(rank)));
    }
  }
}

void no_rank_leaves_a_barrier_before_the_last_has_come(Group& group) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  for (int last = 0; last < group.size(); ++last) {
    if (group.rank() == last) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const double came = now();
    group.barrier(soon());
    const double left = now();
    const auto stamps = group.gather(std::to_string(came) + " " + std::to_string(left), 0, soon());
    for (const std::string& stamp : stamps) {
      const double its_end = std::stod(stamp.substr(stamp.find(' ') + 1));
      EXPECT_GE(its_end + 1e-5, std::stod(stamps[static_cast<std::size_t>(last)]));
    }
  }
}

void a_failure_on_one_rank_is_learnt_by_all(Group& group) {
  EXPECT_TRUE(group.agree(std::nullopt, soon()).ok);
  for (int failing = 0; failing < group.size(); ++failing) {
    const auto trouble = group.rank() == failing ? std::optional<std::string>("no memory left") : std::nullopt;
    const collectives::Verdict verdict = group.agree(trouble, soon());
    EXPECT_FALSE(verdict.ok);
    EXPECT_EQ(verdict.rank, failing);
    EXPECT_EQ(verdict.why, "no memory left");
  }
}

void of_several_failures_the_lowest_rank_speaks(Group& group) {
  const int lowest = group.size() / 2;
  const auto trouble =
      group.rank() >= lowest ? std::optional("trouble of " + std::to_string(group.rank())) : std::nullopt;
  const collectives::Verdict verdict = group.agree(trouble, soon());
  EXPECT_EQ(verdict.rank, lowest);
  EXPECT_EQ(verdict.why, "trouble of " + std::to_string(lowest));
}

void an_empty_reason_is_a_failure_too(Group& group) {
  EXPECT_FALSE(group.agree(std::string(), soon()).ok);
}

}  // namespace

const std::vector<Promise>& group_promises() {
  static const std::vector<Promise> all{
      {"BroadcastCopiesTheRootsBytes", broadcast_copies_the_roots_bytes},
      {"BroadcastTextNeedsNoLength", broadcast_text_needs_no_length},
      {"AllReduceAddsInRankOrder", all_reduce_adds_in_rank_order},
      {"AllReduceCarriesNanToEveryRank", all_reduce_carries_nan_to_every_rank},
      {"GatherBringsTextsOfAnyLengthToTheRoot", gather_brings_texts_of_any_length_to_the_root},
      {"NoRankLeavesABarrierBeforeTheLastHasCome", no_rank_leaves_a_barrier_before_the_last_has_come},
      {"AFailureOnOneRankIsLearntByAll", a_failure_on_one_rank_is_learnt_by_all},
      {"OfSeveralFailuresTheLowestRankSpeaks", of_several_failures_the_lowest_rank_speaks},
      {"AnEmptyReasonIsAFailureToo", an_empty_reason_is_a_failure_too},
  };
  return all;
}

Deadline soon(const std::string& phase) {
  return {phase, 20};
}

void a_deadline_that_passes_names_its_phase(Group& group) {
  if (group.rank() == group.size() - 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    // It comes at last, so that what the others have begun can end; whether it still finds them is not promised.
    try {
      group.barrier({"gradients", 0.5});
    } catch (const CommError&) {
    }
    return;
  }
  try {
    group.barrier({"gradients", 0.1});
    FAIL() << "no error";
  } catch (const CommError& error) {
    EXPECT_NE(std::string(error.what()).find("gradients"), std::string::npos) << error.what();
  }
}

void unlike_calls_are_learnt_by_all(Group& checked) {
  std::vector<float> values(checked.rank() == checked.size() - 1 ? 3 : 4);
  try {
    checked.all_reduce(values, soon("step"));
    FAIL() << "no error";
  } catch (const CommError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("step"), std::string::npos) << what;
    EXPECT_NE(what.find("all_reduce of 4 values"), std::string::npos) << what;
    EXPECT_NE(what.find("rank " + std::to_string(checked.size() - 1) + " is at"), std::string::npos) << what;
    EXPECT_NE(what.find("all_reduce of 3 values"), std::string::npos) << what;
  }
  EXPECT_NO_THROW(checked.barrier(soon())) << "the ranks are still in step";
  try {
    checked.rank() == 0 ? checked.barrier(soon()) : static_cast<void>(checked.agree({}, soon()));
    FAIL() << "no error";
  } catch (const CommError& error) {
    EXPECT_NE(std::string(error.what()).find("barrier"), std::string::npos) << error.what();
  }
}

}  // namespace peftgrid::tests
