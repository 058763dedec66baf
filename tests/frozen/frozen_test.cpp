// Restructuring changes no id and no byte: sixty trials of the eight methods beside what an earlier commit left of them
// (frozen.json, which names it, by record.sh). It rests on the program, its grid files and checkpoint/ alone, so that
// it stays as it is while everything else moves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/frozen/trials.hpp"
#include "tests/frozen/worlds.hpp"

namespace peftgrid::tests {
namespace {

using nlohmann::json;
using testing::ContainerEq;
using testing::IsEmpty;

std::set<std::string> names_of(const json& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}

class Frozen : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    frozen_ = json::parse(std::ifstream(PEFTGRID_SOURCE "/tests/frozen/frozen.json"));
    scratch_ = std::make_unique<ScratchFolder>();
    const auto grids = write_frozen_worlds(scratch_->path());
    seen_ = run_frozen(PEFTGRID_PROGRAM, "", scratch_->path(), grids);
  }
  static void TearDownTestSuite() { scratch_.reset(); }

  static const json& trials() { return frozen_.at("trials"); }
  /// Null where nobody recorded this type of machine.
  static json hashes() { return frozen_.at("machines").value(seen_.machine, json()); }

  static json frozen_;
  static std::unique_ptr<ScratchFolder> scratch_;
  static FrozenRun seen_;
};
json Frozen::frozen_;
std::unique_ptr<ScratchFolder> Frozen::scratch_;
FrozenRun Frozen::seen_;

TEST_F(Frozen, TheSameTrialsAreTrained) {
  std::set<std::string> seen, ids;
  for (const auto& [name, trial] : seen_.trials) seen.insert(name);
  for (const auto& [name, values] : trials().items()) ids.insert(values.at("id").get<std::string>());
  EXPECT_THAT(seen, ContainerEq(names_of(trials())));
  EXPECT_EQ(ids.size(), trials().size()) << "no two of them are one trial";
  EXPECT_GE(ids.size(), 20U);
}

TEST_F(Frozen, IdsAreThoseOfBefore) {
  for (const auto& [name, trial] : seen_.trials) EXPECT_EQ(trial.values.at("id"), trials().at(name).at("id")) << name;
}

TEST_F(Frozen, NamesOrderAndValuesAreThoseOfBefore) {
  for (const auto& [name, trial] : seen_.trials) {
    EXPECT_THAT(differences(trials().at(name), trial.values, tolerance_of(trial.values)), IsEmpty()) << name;
  }
}

TEST_F(Frozen, BytesAreThoseOfBefore) {
  if (hashes().is_null()) {
    GTEST_SKIP() << "no hashes are recorded for \"" << seen_.machine << "\": values alone were compared; "
                 << "tests/frozen/record.sh records them";
  }
  for (const auto& [name, trial] : seen_.trials) {
    EXPECT_THAT(differences(hashes().at(name), trial.hashes, 0), IsEmpty()) << name;
  }
}

TEST_F(Frozen, TwoRanksLeaveTheBytesOfOne) {
  const FrozenRun two =
      run_frozen(PEFTGRID_PROGRAM, PEFTGRID_SOURCE "/tests/support/mpirun.sh -n 2", scratch_->path(), {"width"});
  EXPECT_GE(two.trials.size(), 4U);
  for (const auto& [name, trial] : two.trials) {
    EXPECT_THAT(differences(seen_.trials.at(name).hashes, trial.hashes, 0), IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace peftgrid::tests
