#pragma once

#include <cstdint>
#include <cstdlib>

#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp and tile_product.cpp only: memory of a kernel's own, and how lines of numbers come into it.
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

/// Turns a square: interleaving lines that lie half of them apart log2(kLanes) times does.
inline void turn(Floats (&line)[kLanes]) {
  for (std::int64_t apart = 1; apart < kLanes; apart *= 2) {
    Floats next[kLanes];
    for (std::int64_t j = 0; j < kLanes / 2; ++j) {
      next[2 * j] = lower_interleaved(line[j], line[j + kLanes / 2]);
      next[2 * j + 1] = upper_interleaved(line[j], line[j + kLanes / 2]);
    }
    for (std::int64_t j = 0; j < kLanes; ++j) line[j] = next[j];
  }
}

/// A square of kLanes lines, of which `count` are there, the others zeros, turned.
inline void turn_square(const float* lines, std::int64_t count, std::int64_t line_width, std::int64_t width,
                        float* to) {
  Floats line[kLanes];
  for (std::int64_t j = 0; j < kLanes; ++j) line[j] = j < count ? load(lines + j * line_width) : Floats{};
  turn(line);
  for (std::int64_t c = 0; c < kLanes; ++c) store(to + c * width, line[c]);
}

/// lines [count, columns] to to[columns, width], zeros behind `count`.
inline void transpose(const float* lines, std::int64_t count, std::int64_t columns, std::int64_t line_width,
                      std::int64_t width, float* to) {
  for (std::int64_t c = 0; c < columns; c += kLanes) {
    for (std::int64_t j = 0; j < width; j += kLanes) {
      if (c + kLanes <= columns && j + kLanes <= width) {
        turn_square(lines + j * line_width + c, count - j, line_width, width, to + c * width + j);
        continue;
      }
      for (std::int64_t x = c; x < columns && x < c + kLanes; ++x) {
        for (std::int64_t y = j; y < width && y < j + kLanes; ++y)
          to[x * width + y] = y < count ? lines[y * line_width + x] : 0.0F;
      }
    }
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
