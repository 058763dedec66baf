#pragma once

#include <nccl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>

/// What ranks and hub of the stand-in for NCCL say to each other, over a Unix socket with an abstract name: it leaves
/// no file behind, and a process that dies is noticed by its peer at once.
namespace peftgrid::standin {

/// What a rank is about to do; for a sum the values follow. All ranks must say the same, their ranks apart.
struct Call {
  enum Kind : std::uint32_t { Join, Sum };
  Kind kind = Join;
  std::int32_t rank = 0, size = 0;
  std::int32_t type = 0, operation = 0;
  std::uint64_t number = 0, count = 0;
  bool operator==(const Call&) const = default;
};

/// The hub's answer: for a sum that went well the values follow, else a text of `length` bytes.
struct Answer {
  ncclResult_t result = ncclSuccess;
  std::uint32_t length = 0;
};

/// Both return false when the other side is gone.
inline bool send_all(int socket, const void* data, std::size_t bytes) {
  for (const auto* next = static_cast<const char*>(data); bytes > 0;) {
    const ssize_t sent = send(socket, next, bytes, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    next += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

inline bool receive_all(int socket, void* data, std::size_t bytes) {
  return bytes == 0 || recv(socket, data, bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes);
}

/// Connects or binds a socket to the abstract name that an id holds.
template <typename Function>
bool with_address(Function function, int socket, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return function(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

}  // namespace peftgrid::standin
