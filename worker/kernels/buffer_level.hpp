#pragma once

#include <cstdint>
#include <cstdlib>

#include "worker/kernels/vector_level.hpp"

/// For vector_kernels.cpp only: memory of a kernel's own.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// Memory that grows and is kept; never below one vector beyond what is asked for.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }
  T* take(std::int64_t count) {
    if (count > capacity_) {
      std::free(data_);
      capacity_ = padded(count);
      data_ = static_cast<T*>(std::aligned_alloc(64, static_cast<std::size_t>(capacity_) * sizeof(T)));
      if (data_ == nullptr) std::abort();
    }
    return data_;
  }

 private:
  T* data_ = nullptr;
  std::int64_t capacity_ = 0;
};

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
