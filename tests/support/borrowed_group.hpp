#pragma once

#include <cstdlib>

#include "collectives/group.hpp"

namespace peftgrid::tests {

/// A group for those who want to own one: the threads of run_as_threads only borrow theirs.
class BorrowedGroup : public collectives::Group {
 public:
  explicit BorrowedGroup(collectives::Group& group) : group_(group) {}
  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  void broadcast(std::span<std::byte> bytes, int root, collectives::Deadline deadline) override {
    group_.broadcast(bytes, root, deadline);
  }
  void all_reduce(std::span<float> values, collectives::Deadline deadline) override {
    group_.all_reduce(values, deadline);
  }
  std::vector<std::string> gather(const std::string& mine, int root, collectives::Deadline deadline) override {
    return group_.gather(mine, root, deadline);
  }
  void barrier(collectives::Deadline deadline) override { group_.barrier(deadline); }
  collectives::Verdict agree(const std::optional<std::string>& trouble, collectives::Deadline deadline) override {
    return group_.agree(trouble, deadline);
  }
  [[noreturn]] void abort(int exit_code) override {
    group_.abort(exit_code);
    std::abort();
  }

 private:
  collectives::Group& group_;
};

}  // namespace peftgrid::tests
