#pragma once

#include <cstdint>
#include <cstdlib>

#include "worker/kernels/vector_level.hpp"

/// For vector_kernels.cpp only: memory of a kernel's own, and how lines of numbers come into it.
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

/// Copies `count` lines into to[count, width], zeros behind `columns`.
inline void gather(const float* from, std::int64_t from_row, std::int64_t count, std::int64_t columns,
                   std::int64_t width, float* to) {
  for (std::int64_t j = 0; j < count; ++j) {
    __builtin_memcpy(to + j * width, from + j * from_row, static_cast<std::size_t>(columns) * sizeof(float));
    for (std::int64_t c = columns; c < width; ++c) to[j * width + c] = 0;
  }
}

/// lines [count, columns] to to[columns, width], zeros behind `count`.
inline void turn(const float* lines, std::int64_t count, std::int64_t columns, std::int64_t line_width,
                 std::int64_t width, float* to) {
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t j = 0; j < count; ++j) to[c * width + j] = lines[j * line_width + c];
    for (std::int64_t j = count; j < width; ++j) to[c * width + j] = 0;
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
