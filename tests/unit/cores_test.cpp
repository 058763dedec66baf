#include "orchestrator/launch/cores.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

std::vector<int> cpus(int first, int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), first);
  return all;
}

TEST(Cores, RanksThatAreBoundToACoreEachHaveThemTogether) {
  const SharedCores shared = shared_cores({{"a", {0}}, {"a", {1}}});
  EXPECT_EQ(shared.cores, 2);
  EXPECT_EQ(shared.ranks_at_once, 2);
}

TEST(Cores, BoundToASocketOrToNothingTheyHaveAsMany) {
  for (const auto& all : {cpus(0, 2), cpus(6, 2)}) {
    const SharedCores shared = shared_cores({{"a", all}, {"a", all}});
    EXPECT_EQ(shared.cores, 2);
    EXPECT_EQ(shared.ranks_at_once, 2);
  }
}

TEST(Cores, MoreRanksThanCoresComputeNoFasterThanThose) {
  const SharedCores shared = shared_cores({{"a", {0}}, {"a", {1}}, {"a", {0}}, {"a", {1}}, {"a", {0, 1}}});
  EXPECT_EQ(shared.cores, 2);
  EXPECT_EQ(shared.ranks_at_once, 2);
}

TEST(Cores, EachHostCountsForItself) {
  const SharedCores shared = shared_cores({{"a", cpus(0, 8)}, {"b", {0}}, {"b", {0}}, {"b", {0}}});
  EXPECT_EQ(shared.cores, 9);
  EXPECT_EQ(shared.ranks_at_once, 2);
}

TEST(Cores, AContainersQuotaIsTheMostThatItsRanksGet) {
  const SharedCores shared = shared_cores({{"a", cpus(0, 64), 3.0}, {"a", cpus(0, 64), 3.0}});
  EXPECT_EQ(shared.cores, 3);
  EXPECT_EQ(shared.ranks_at_once, 2);
  EXPECT_EQ(shared_cores({{"a", cpus(0, 64), 0.2}}).cores, 1);
  EXPECT_EQ(shared_cores({{"a", cpus(0, 2), 48.0}}).cores, 2) << "it gives no cores";
}

TEST(Cores, ARankOfWhichNothingIsKnownHasOne) {
  EXPECT_EQ(shared_cores({{"a", {}}}).ranks_at_once, 1);
}

TEST(Cores, WhatTheRanksTellEachOtherIsUnderstood) {
  const RankCores rank = rank_cores_from_json(to_json(RankCores{"a", {3, 5}, 1.5}));
  EXPECT_EQ(rank.host, "a");
  EXPECT_THAT(rank.cpus, testing::ElementsAre(3, 5));
  EXPECT_EQ(rank.quota_cores, 1.5);
  const SharedCores shared = shared_cores_from_json(to_json(SharedCores{9, 4}));
  EXPECT_EQ(shared.cores, 9);
  EXPECT_EQ(shared.ranks_at_once, 4);
}

TEST(Cores, ThoseOfThisProcessAreThoseThatItIsBoundTo) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const std::vector<int> all = cores_of_this_process().cpus;
  EXPECT_EQ(all.size(), static_cast<std::size_t>(CPU_COUNT(&before)));
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(all.back()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_THAT(cores_of_this_process().cpus, testing::ElementsAre(all.back()));
  sched_setaffinity(0, sizeof before, &before);
}

/// A cgroup file system with some files in it.
class CgroupQuota : public testing::Test {
 protected:
  ~CgroupQuota() override { fs::remove_all(mounted_); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((mounted_ / file).parent_path());
    std::ofstream(mounted_ / file) << text << "\n";
  }
  double quota(const std::string& membership) const { return cgroup_quota(membership, mounted_.string()); }

 private:
  fs::path mounted_ = fs::temp_directory_path() / ("cgroups_" + std::to_string(getpid()));
};

TEST_F(CgroupQuota, OfVersion2IsTheLeastOfAGroupAndThoseAboveIt) {
  write("a/b/cpu.max", "max 100000");
  write("a/cpu.max", "150000 100000");
  write("cpu.max", "400000 100000");
  EXPECT_EQ(quota("0::/a/b\n"), 1.5);
  EXPECT_EQ(quota("0::/\n"), 4);
}

TEST_F(CgroupQuota, OfVersion1IsThatOfTheProcessorsHierarchy) {
  write("cpu/pod/cpu.cfs_quota_us", "200000");
  write("cpu/pod/cpu.cfs_period_us", "100000");
  write("cpu/cpu.cfs_quota_us", "-1");
  write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota("4:memory:/other\n3:cpu,cpuacct:/pod\n0::/\n"), 2);
  EXPECT_EQ(quota("3:cpu,cpuacct:/\n"), 0);
  EXPECT_EQ(quota("3:cpuset:/pod\n"), 0);
}

TEST_F(CgroupQuota, IsFoundInAContainerThatSeesItsOwnGroupAsTheRoot) {
  write("cpu/cpu.cfs_quota_us", "50000");
  write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota("1:cpu:/docker/0123456789ab\n"), 0.5);
}

TEST_F(CgroupQuota, WhereNothingIsMountedOrSaidIsNone) {
  EXPECT_EQ(quota("0::/a/b\n"), 0);
  EXPECT_EQ(quota(""), 0);
  EXPECT_EQ(quota("nonsense\n"), 0);
  write("cpu.max", "");
  EXPECT_EQ(quota("0::/\n"), 0);
}

}  // namespace
}  // namespace peftgrid::orchestrator
