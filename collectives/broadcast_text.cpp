#include <cstring>

#include "collectives/group.hpp"

namespace peftgrid::collectives {

std::string broadcast_text(Group& group, std::string text, int root, Deadline deadline) {
  std::uint64_t length = text.size();
  group.broadcast(std::as_writable_bytes(std::span(&length, 1)), root, deadline);
  text.resize(length);
  group.broadcast(std::as_writable_bytes(std::span(text)), root, deadline);
  return text;
}

}  // namespace peftgrid::collectives
