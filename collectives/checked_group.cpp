#include "collectives/checked_group.hpp"

#include <cstdlib>

namespace peftgrid::collectives {

namespace {

class CheckedGroup : public Group {
 public:
  explicit CheckedGroup(std::unique_ptr<Group> group) : group_(std::move(group)) {}

  int rank() const override { return group_->rank(); }
  int size() const override { return group_->size(); }

  void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) override {
    compare("broadcast of " + std::to_string(bytes.size()) + " bytes from rank " + std::to_string(root), deadline);
    group_->broadcast(bytes, root, deadline);
  }
  void all_reduce(std::span<float> values, Deadline deadline) override {
    compare("all_reduce of " + std::to_string(values.size()) + " values", deadline);
    group_->all_reduce(values, deadline);
  }
  std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) override {
    compare("gather to rank " + std::to_string(root), deadline);
    return group_->gather(mine, root, deadline);
  }
  void barrier(Deadline deadline) override {
    compare("barrier", deadline);
    group_->barrier(deadline);
  }
  Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) override {
    compare("agree", deadline);
    return group_->agree(trouble, deadline);
  }
  [[noreturn]] void abort(int exit_code) override {
    group_->abort(exit_code);
    std::_Exit(exit_code);  // GCC does not carry noreturn through a virtual call
  }

 private:
  void compare(const std::string& call, const Deadline& deadline) {
    const std::string mine = "call " + std::to_string(++calls_) + ", " + call;
    const auto all = group_->gather(mine, 0, deadline);
    std::optional<std::string> difference;
    for (std::size_t r = 1; r < all.size() && !difference; ++r) {
      if (all[r] == all[0]) continue;
      difference = deadline.phase() + ": rank 0 is at " + all[0] + "; rank " + std::to_string(r) + " is at " + all[r];
    }
    const Verdict verdict = group_->agree(difference, deadline);
    if (!verdict.ok) throw CommError(verdict.why);
  }

  std::unique_ptr<Group> group_;
  std::uint64_t calls_ = 0;
};

}  // namespace

std::unique_ptr<Group> checked(std::unique_ptr<Group> group) {
  return std::make_unique<CheckedGroup>(std::move(group));
}

}  // namespace peftgrid::collectives
