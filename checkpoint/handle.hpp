#pragma once

#include <utility>

namespace peftgrid::checkpoint {

/// Owns one id of a C library and closes it once. Moves, does not copy.
template <typename Id, auto Close, Id None>
class Handle {
 public:
  Handle() = default;
  explicit Handle(Id id) : id_(id) {}
  Handle(Handle&& from) noexcept : id_(std::exchange(from.id_, None)) {}
  Handle& operator=(Handle&& from) noexcept {
    std::swap(id_, from.id_);
    return *this;
  }
  ~Handle() {
    if (id_ != None) Close(id_);
  }
  Id get() const { return id_; }
  /// Gives the id away, unclosed.
  Id release() { return std::exchange(id_, None); }

 private:
  Id id_ = None;
};

}  // namespace peftgrid::checkpoint
