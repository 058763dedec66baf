#include "worker/methods/methods.hpp"

namespace peftgrid::worker {

namespace {

/// Head only: adds nothing; every trial has a head of its own. The base runs in evaluation mode, so that a row's
/// features are computed once.
class HeadOnly : public Method {
 public:
  bool base_in_evaluation() const override { return true; }
};

}  // namespace

std::unique_ptr<Method> make_head(const MethodSpec& /*spec*/, const Borrow& /*borrow*/) {
  return std::make_unique<HeadOnly>();
}

}  // namespace peftgrid::worker
