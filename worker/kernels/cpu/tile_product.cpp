#include "worker/kernels/cpu/tile_product.hpp"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "worker/kernels/cpu/tile_packing.hpp"

namespace peftgrid::worker::kernels {

namespace PEFTGRID_LEVEL {
namespace {

/// What lies ready as tiles: of the left factor 0.9 MB at the most, in the second cache; of the right one 5.3 MB.
constexpr std::int64_t kMostLines = 256, kMostColumns = 1536, kMostDepth = 18 * kDepth;

/// The least multiple of `part` that covers `whole` in as few steps as `most` does.
std::int64_t even_step(std::int64_t whole, std::int64_t most, std::int64_t part) {
  return pieces(pieces(whole, pieces(whole, most)), part) * part;
}

/// The layout of the eight tile registers: 16 lines of 64 bytes each. The registers are this thread's until it is over.
class TileRegisters {
 public:
  TileRegisters() {
    struct alignas(64) {
      std::uint8_t palette = 1, start = 0, reserved[14] = {};
      std::uint16_t line_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t lines[16] = {kSide, kSide, kSide, kSide, kSide, kSide, kSide, kSide};
    } const layout;
    _tile_loadconfig(&layout);
  }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
  ~TileRegisters() { _tile_release(); }
};

/// Sums of 32 by 32 lines: [two halves of the left lines][two of the right ones], a tile each.
struct Sums {
  alignas(64) float numbers[4 * kSide * kSide];
};

/// Sums that wait to be written to their place.
struct Waiting {
  const Sums* sums;
  std::int64_t line, column;
  bool fresh;  // what stands there does not count, the bias does
  std::int64_t written = 0;
};

/// Writes the next `count` lines of those that wait.
void write_lines(const TileProduct& product, Waiting& waiting, std::int64_t count) {
  const std::int64_t width = product.right.lines, column = waiting.column;
  const std::int64_t end = std::min({waiting.written + count, kBlock, product.left.lines - waiting.line});
  const __mmask16 masks[2] = {first_lanes(width - column), first_lanes(width - column - kSide)};
  for (; waiting.written < end; ++waiting.written) {
    const std::int64_t i = waiting.written;
    float* out = product.out + (waiting.line + i) * width + column;
    const float* before = !waiting.fresh ? out : product.bias != nullptr ? product.bias + column : nullptr;
    const float* sum = waiting.sums->numbers + (i / kSide * 2 * kSide + i % kSide) * kSide;
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t at = half * kSide;
      const __m512 start = before != nullptr ? _mm512_maskz_loadu_ps(masks[half], before + at) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(out + at, masks[half], _mm512_add_ps(start, _mm512_load_ps(sum + half * kSide * kSide)));
    }
  }
}

/// Multiplies 32 by 32 lines over a depth of `tiles`; `between` runs before each of them, while the tiles are at work.
template <typename Between>
void multiply(const std::uint16_t* left, const std::uint16_t* right, std::int64_t tiles, Sums& sums, Between between) {
  const std::int64_t below = tiles * kParts * kTile;  // the second 16 lines
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const auto take_left = [&](std::int64_t k, std::int64_t part) {
    const std::uint16_t* tile = left + (k * kParts + part) * kTile;
    _tile_loadd(4, tile, 64);
    _tile_loadd(5, tile + below, 64);
  };
  const auto take_right = [&](std::int64_t k, std::int64_t part) {
    const std::uint16_t* tile = right + (k * kParts + part) * kTile;
    _tile_loadd(6, tile, 64);
    _tile_loadd(7, tile + below, 64);
  };
  const auto add = [] {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  };
  for (std::int64_t k = 0; k < tiles; ++k) {
    between();
    take_left(k, 2);
    take_right(k, 0);
    add();
    take_left(k, 0);
    add();
    take_left(k, 1);
    add();
    take_right(k, 1);
    add();
    take_left(k, 0);
    add();
    take_right(k, 2);
    add();
  }
  _tile_stored(0, sums.numbers, 64);
  _tile_stored(1, sums.numbers + kSide * kSide, 64);
  _tile_stored(2, sums.numbers + 2 * kSide * kSide, 64);
  _tile_stored(3, sums.numbers + 3 * kSide * kSide, 64);
}

/// One product, block by block. The sums of a block are written while the tiles multiply the next one.
class Multiplication {
 public:
  explicit Multiplication(const TileProduct& product)
      : product_(product),
        line_step_(even_step(product.left.lines, kMostLines, kBlock)),
        column_step_(even_step(product.right.lines, kMostColumns, kBlock)),
        depth_step_(even_step(product.depth, kMostDepth, kDepth)) {
    static thread_local Buffer<std::uint16_t> left, right;  // kept from product to product
    left_ = left.take(line_step_ * depth_step_ * kParts);
    right_ = right.take(column_step_ * depth_step_ * kParts);
  }

  void run() {
    for (std::int64_t column = 0; column < product_.right.lines; column += column_step_) {
      for (std::int64_t at = 0; at < product_.depth; at += depth_step_)
        add_columns(column, std::min(product_.right.lines - column, column_step_), at,
                    std::min(product_.depth - at, depth_step_));
    }
    write_lines(product_, waiting_, kBlock);
  }

 private:
  void add_columns(std::int64_t column, std::int64_t columns, std::int64_t at, std::int64_t depth) {
    pack(product_.right, false, column, columns, at, depth, right_);
    for (std::int64_t line = 0; line < product_.left.lines; line += line_step_) {
      const std::int64_t lines = std::min(product_.left.lines - line, line_step_);
      pack(product_.left, true, line, lines, at, depth, left_);
      for (std::int64_t c = 0; c < columns; c += kBlock) {
        for (std::int64_t i = 0; i < lines; i += kBlock) add_block(line, i, column, c, at, depth);
      }
    }
  }

  void add_block(std::int64_t line, std::int64_t i, std::int64_t column, std::int64_t c, std::int64_t at,
                 std::int64_t depth) {
    const std::int64_t tiles = pieces(depth, kDepth), at_once = pieces(kBlock, tiles),
                       one_line = tiles * kDepth * kParts;
    Sums& sums = sums_[turn_];
    multiply(left_ + i * one_line, right_ + c * one_line, tiles, sums,
             [&] { write_lines(product_, waiting_, at_once); });
    waiting_ = {&sums, line + i, column + c, at == 0 && !product_.add};
    turn_ = 1 - turn_;
  }

  TileProduct product_;
  std::int64_t line_step_, column_step_, depth_step_;
  std::uint16_t *left_, *right_;
  Sums sums_[2];
  std::size_t turn_ = 0;
  Waiting waiting_ = {&sums_[1], 0, 0, false, kBlock};
  TileRegisters registers_;
};

}  // namespace
}  // namespace PEFTGRID_LEVEL

bool has_tiles() {
  static const bool has = [] {
    constexpr unsigned kFeatures = 7, kTilesOfBf16 = 1U << 22U, kTiles = 1U << 24U;
    unsigned a = 0, b = 0, c = 0, features = 0;
    if (__get_cpuid_count(kFeatures, 0, &a, &b, &c, &features) == 0) return false;
    const bool vectors = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    constexpr long kAskForPermission = 0x1023, kTileData = 18;  // of Linux's arch_prctl
    return vectors && (features & kTilesOfBf16) != 0 && (features & kTiles) != 0 &&
           syscall(SYS_arch_prctl, kAskForPermission, kTileData) == 0;
  }();
  return has;
}

void tile_product(const TileProduct& product) {
  PEFTGRID_LEVEL::Multiplication(product).run();
}

}  // namespace peftgrid::worker::kernels
