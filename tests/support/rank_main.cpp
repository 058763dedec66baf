// GoogleTest's main for tests that all ranks of an MPI job run together. After each test the ranks tell each other how
// it went: where it failed on one, all stop, since the ranks may be out of step from there on.
#include "tests/support/rank_main.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

namespace peftgrid::tests {

namespace {

std::unique_ptr<collectives::MpiSession> the_session;

class StopTogether : public testing::EmptyTestEventListener {
 public:
  explicit StopTogether(std::unique_ptr<collectives::Group> group) : group_(std::move(group)) {}

  void OnTestEnd(const testing::TestInfo& test) override {
    const bool failed = test.result()->Failed();
    const auto verdict = group_->agree(failed ? std::optional<std::string>(test.name()) : std::nullopt,
                                       {std::string("the end of ") + test.name(), 30});
    if (verdict.ok) return;
    if (group_->rank() == 0) std::fprintf(stderr, "%s failed on rank %d\n", verdict.why.c_str(), verdict.rank);
    std::fflush(nullptr);
    the_session->leave(1);
  }

 private:
  std::unique_ptr<collectives::Group> group_;
};

}  // namespace

collectives::MpiSession& session() {
  return *the_session;
}

}  // namespace peftgrid::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  peftgrid::tests::the_session = std::make_unique<peftgrid::collectives::MpiSession>();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (peftgrid::tests::session().rank() != 0) {
    // Failures alone: the tests' names come from rank 0.
    delete listeners.Release(listeners.default_result_printer());
    class Failures : public testing::EmptyTestEventListener {
      void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) return;
        std::fprintf(stderr, "rank %d: %s:%d: %s\n", peftgrid::tests::session().rank(), result.file_name(),
                     result.line_number(), result.message());
      }
    };
    listeners.Append(new Failures);
  }
  listeners.Append(new peftgrid::tests::StopTogether(peftgrid::tests::session().group()));
  const int result = RUN_ALL_TESTS();
  peftgrid::tests::the_session.reset();
  return result;
}
