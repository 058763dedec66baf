// The coordinator beside ranks that the test plays: gangs, losses, and results that come late.
#include "orchestrator/run/coordinator.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "orchestrator/launch/launch.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::ElementsAre;
using worker::TrialOutcome;

/// Both ends of the coordinator's line in one process.
class PlayedLine : public collectives::Mailbox {
 public:
  void send(int to, std::string text) override {
    const std::lock_guard lock(mutex_);
    sent_.emplace_back(to, worker::decode_to_worker(text));
  }
  std::optional<collectives::Letter> poll() override {
    const std::lock_guard lock(mutex_);
    if (come_.empty()) return std::nullopt;
    collectives::Letter letter = come_.front();
    come_.erase(come_.begin());
    return letter;
  }
  void wait(double seconds) override { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

  void from(int rank, const worker::FromWorker& message) {
    const std::lock_guard lock(mutex_);
    come_.push_back({rank, worker::encode(message)});
  }
  /// The next message of that kind to `rank`; fails after five seconds.
  template <typename Message>
  Message expect(int rank) {
    for (int look = 0; look < 5000; ++look) {
      {
        const std::lock_guard lock(mutex_);
        for (auto at = sent_.begin(); at != sent_.end(); ++at) {
          if (at->first != rank || !std::holds_alternative<Message>(at->second)) continue;
          Message found = std::get<Message>(at->second);
          sent_.erase(at);
          return found;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "rank " << rank << " is not told";
    return {};
  }

 private:
  std::mutex mutex_;
  std::vector<collectives::Letter> come_;
  std::vector<std::pair<int, worker::ToWorker>> sent_;
};

class NoDisplay : public Display {
 public:
  void started(int, const worker::TrialSpec&) override {}
  void progress(int, std::int64_t, std::int64_t, double) override {}
  void ended(int, const worker::TrialSpec&, const TrialOutcome&) override {}
  void idle(int) override {}
  void lost(int, const std::string&, const std::string&) override {}
  void note(const std::string&) override {}
  void show(const Overview&, bool) override {}
};

/// A process that can be killed, for a rank.
pid_t sleeper() {
  const pid_t child = fork();
  if (child == 0) {
    execlp("sleep", "sleep", "60", nullptr);
    _exit(1);
  }
  return child;
}

class Coordination : public testing::Test {
 protected:
  Coordination() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    for (int rank = 0; rank < 3; ++rank) {
      children_.push_back(sleeper());
      ranks_.push_back({host_name(), children_.back(), process_facts(children_.back())->start});
    }
  }
  ~Coordination() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  /// Trials of these widths, named by letters; `body` plays the ranks.
  template <typename Body>
  Coordinator::Tally run(const std::vector<std::int64_t>& widths, Body body) {
    std::vector<worker::TrialSpec> specs(widths.size());
    std::vector<Coordinator::Job> jobs;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      specs[i].id = std::string(1, static_cast<char>('a' + i));
      specs[i].width = widths[i];
      jobs.push_back({&specs[i], 1.0, deaths_before_});
    }
    Peers peers(ranks_);
    Journal journal(folder_ / "journal");
    NoDisplay display;
    Coordinator coordinator(line_, peers, jobs, journal, display,
                            {[] { return false; }, [this](const std::string&) { return published_.load(); }});
    std::thread thread([&] { coordinator.run(); });
    body();
    line_.expect<worker::End>(0);
    coordinator.dismiss();
    thread.join();
    return coordinator.tally();
  }

  void ask(const std::vector<int>& ranks) {
    for (const int rank : ranks) line_.from(rank, worker::Ask{});
  }
  void report(int rank, const worker::Assign& order, TrialOutcome::State state = TrialOutcome::State::Done) {
    TrialOutcome outcome;
    outcome.id = order.spec.id;
    outcome.state = state;
    outcome.seconds = 2;
    line_.from(rank, worker::Report{outcome, order.gang.number});
  }
  void die(int rank) { kill(children_[static_cast<std::size_t>(rank)], SIGKILL); }

  std::vector<nlohmann::json> journal(const std::string& kind) const {
    std::vector<nlohmann::json> bodies;
    for (const Event& event : read_journal(folder_ / "journal").events) {
      if (event.kind == kind) bodies.push_back(nlohmann::json::parse(event.json));
    }
    return bodies;
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("coordination_" + std::to_string(getpid()));
  std::vector<pid_t> children_;
  std::vector<ProcessId> ranks_;
  PlayedLine line_;
  std::atomic<bool> published_ = false;
  std::int64_t deaths_before_ = 0;
};

TEST_F(Coordination, AWideTrialGoesToAllItsRanksAndItsLeaderReports) {
  const auto tally = run({2}, [&] {
    ask({1, 2});
    const auto leads = line_.expect<worker::Assign>(1), follows = line_.expect<worker::Assign>(2);
    EXPECT_THAT(leads.gang.ranks, ElementsAre(1, 2));
    EXPECT_EQ(leads.gang.number, follows.gang.number);
    report(1, leads);
  });
  EXPECT_EQ(tally.done, 1);
  ASSERT_EQ(journal("finished").size(), 1U);
  EXPECT_EQ(journal("finished")[0]["ranks"], 2);
}

TEST_F(Coordination, ARankThatHasDoneItsPartGetsTheNextTrialBeforeTheLeaderReports) {
  const auto tally = run({3, 1}, [&] {
    ask({0, 1, 2});
    const auto wide = line_.expect<worker::Assign>(0);
    line_.expect<worker::Assign>(2);
    ask({2});
    const auto next = line_.expect<worker::Assign>(2);
    EXPECT_EQ(next.spec.id, "b");
    report(0, wide);
    report(2, next);
  });
  EXPECT_EQ(tally.done, 2);
}

TEST_F(Coordination, AGangThatLosesARankIsDissolvedAndItsTrialGoesToThoseThatAreLeft) {
  const auto tally = run({3}, [&] {
    ask({0, 1, 2});
    const auto first = line_.expect<worker::Assign>(0);
    die(2);
    EXPECT_EQ(line_.expect<worker::Dissolve>(0).gang, first.gang.number);
    EXPECT_EQ(line_.expect<worker::Dissolve>(1).gang, first.gang.number);
    line_.expect<worker::Assign>(1);
    ask({0, 1});
    const auto again = line_.expect<worker::Assign>(0);
    EXPECT_THAT(again.gang.ranks, ElementsAre(0, 1));
    report(0, again);
  });
  EXPECT_EQ(tally.done, 1);
  EXPECT_EQ(tally.lost_ranks, 1);
}

TEST_F(Coordination, ALateResultOfADissolvedGangStopsWhoeverStartedAgain) {
  const auto tally = run({2}, [&] {
    ask({1, 2});
    const auto first = line_.expect<worker::Assign>(1);
    line_.expect<worker::Assign>(2);
    die(2);
    line_.expect<worker::Dissolve>(1);
    ask({0, 1});
    const auto again = line_.expect<worker::Assign>(0);
    published_ = true;
    report(1, first);
    EXPECT_EQ(line_.expect<worker::Dissolve>(0).gang, again.gang.number);
  });
  EXPECT_EQ(tally.done, 1);
  EXPECT_EQ(journal("finished").size(), 1U);
}

TEST_F(Coordination, ATrialWhoseFollowerFailsHasFailedAndTheLeaderDropsIt) {
  const auto tally = run({2}, [&] {
    ask({1, 2});
    const auto order = line_.expect<worker::Assign>(1);
    report(2, order, TrialOutcome::State::Failed);
    EXPECT_EQ(line_.expect<worker::Dissolve>(1).gang, order.gang.number);
  });
  EXPECT_EQ(tally.failed, 1);
}

TEST_F(Coordination, ATrialThatCostTwoRanksIsTriedOnAThird) {
  const auto tally = run({1}, [&] {
    for (const int rank : {1, 2}) {
      ask({rank});
      line_.expect<worker::Assign>(rank);
      die(rank);
      line_.expect<worker::End>(rank);
    }
    ask({0});
    const auto order = line_.expect<worker::Assign>(0);
    report(0, order);
  });
  EXPECT_EQ(tally.done, 1);
  EXPECT_EQ(tally.lost_ranks, 2);
}

TEST_F(Coordination, ATrialThatCostThreeRanksInEarlierStartsAndThisOneIsGivenUp) {
  deaths_before_ = 2;
  const auto tally = run({1}, [&] {
    ask({1});
    line_.expect<worker::Assign>(1);
    die(1);
    line_.expect<worker::End>(1);
    ask({0});
  });
  EXPECT_EQ(tally.failed, 1);
  ASSERT_EQ(journal("failed").size(), 1U);
  EXPECT_THAT(journal("failed")[0]["reason"].get<std::string>(), testing::StartsWith("3 ranks were lost"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
