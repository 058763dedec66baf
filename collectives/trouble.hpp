#pragma once

#include <stdexcept>
#include <string>

namespace peftgrid::collectives {

/// What went wrong on this rank, before the others have heard of it; never leaves collectives/. Whether it began here
/// matters when several ranks have something to say: one that only lost sight of a peer explains nothing.
class Trouble : public std::runtime_error {
 public:
  enum Origin { BeganHere, BeganElsewhere };
  Trouble(const std::string& why, Origin origin) : std::runtime_error(why), origin_(origin) {}
  Origin origin() const { return origin_; }

 private:
  Origin origin_;
};

}  // namespace peftgrid::collectives
