#include "worker/kernels/cpu/vector_kernels.hpp"

namespace peftgrid::worker::kernels {

namespace v1 {
extern const Table kTable;
}
namespace v3 {
extern const Table kTable;
}
namespace v4 {
extern const Table kTable;
}

namespace {

/// As vector_types.hpp's.
std::int64_t padded(std::int64_t n) {
  return (n + 15) / 16 * 16;
}

}  // namespace

std::int64_t attention_kept_size(const AttentionShape& shape) {
  std::int64_t size = 0;
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const std::int64_t tokens = shape.offsets[r + 1] - shape.offsets[r];
    const std::int64_t keys = shape.keys == nullptr ? tokens : shape.keys[r];
    const std::int64_t all = shape.extra + keys;
    if (keeps_weights(all)) size += shape.heads * (shape.query == nullptr ? tokens : 1) * padded(all);
  }
  return size;
}

std::int64_t low_rank_width(std::int64_t rank) {
  return padded(rank);
}

const Table* const* all_tables() {
  static const Table* tables[4] = {};
  static const bool filled = [] {
    const Table** next = tables;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      *next++ = &v4::kTable;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) *next++ = &v3::kTable;
    *next = &v1::kTable;
    return true;
  }();
  static_cast<void>(filled);
  return tables;
}

const Table& table() {
  return **all_tables();
}

}  // namespace peftgrid::worker::kernels
