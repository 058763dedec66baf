#include "worker/kernels/cpu/tile_product.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace peftgrid::worker::kernels {

namespace {

constexpr std::int64_t kSide = 16;              // lines of a tile
constexpr std::int64_t kDepth = 32;             // bf16 numbers of a tile's line
constexpr std::int64_t kTile = kSide * kDepth;  // 1 KiB
constexpr std::int64_t kParts = 3;
constexpr std::int64_t kBlock = kTileLines;  // lines of each factor that are multiplied at once: four tiles of sums
static_assert(kBlock == 2 * kSide);
/// What lies ready as tiles: of the left factor 0.9 MB at the most, in the second cache; of the right one 5.3 MB.
constexpr std::int64_t kMostLines = 256, kMostColumns = 1536, kMostDepth = 18 * kDepth;

std::int64_t pieces(std::int64_t whole, std::int64_t part) {
  return (whole + part - 1) / part;
}

/// The least multiple of `part` that covers `whole` in as few steps as `most` does.
std::int64_t even_step(std::int64_t whole, std::int64_t most, std::int64_t part) {
  return pieces(pieces(whole, pieces(whole, most)), part) * part;
}

__mmask16 first_lanes(std::int64_t count) {
  return count >= kSide ? __mmask16(0xFFFF) : count <= 0 ? __mmask16(0) : static_cast<__mmask16>((1U << count) - 1);
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

/// The nearest float with 8 bits (halves away from 0), which is one of bf16.
__m512 rounded(__m512 x) {
  const __m512i bits = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

/// The parts of 32 floats as bf16 numbers: those of `low` and of `high` one behind the other, or by turns.
void split(__m512 low, __m512 high, __m512i order, __m512i* parts, std::int64_t apart) {
  for (std::int64_t i = 0;; ++i) {
    const __m512 first = i + 1 == kParts ? low : rounded(low), second = i + 1 == kParts ? high : rounded(high);
    parts[i * apart] = _mm512_permutex2var_epi16(_mm512_castps_si512(first), order, _mm512_castps_si512(second));
    if (i + 1 == kParts) return;
    low = _mm512_sub_ps(low, first);
    high = _mm512_sub_ps(high, second);
  }
}

/// Turns a square of 16 x 16 floats.
void turn(__m512 (&lines)[kSide]) {
  __m512 next[kSide];
  for (int i = 0; i < 16; i += 2) {
    next[i] = _mm512_unpacklo_ps(lines[i], lines[i + 1]);
    next[i + 1] = _mm512_unpackhi_ps(lines[i], lines[i + 1]);
  }
  const auto joined = [](__m512 a, __m512 b, bool upper) {
    const __m512d low = _mm512_castps_pd(a), high = _mm512_castps_pd(b);
    return _mm512_castpd_ps(upper ? _mm512_unpackhi_pd(low, high) : _mm512_unpacklo_pd(low, high));
  };
  for (int i = 0; i < 16; i += 4) {
    for (int j = 0; j < 2; ++j) {
      lines[i + 2 * j] = joined(next[i + j], next[i + j + 2], false);
      lines[i + 2 * j + 1] = joined(next[i + j], next[i + j + 2], true);
    }
  }
  for (int i = 0; i < 16; i += 8) {
    for (int j = 0; j < 4; ++j) {
      next[i + j] = _mm512_shuffle_f32x4(lines[i + j], lines[i + 4 + j], 0x88);
      next[i + 4 + j] = _mm512_shuffle_f32x4(lines[i + j], lines[i + 4 + j], 0xdd);
    }
  }
  for (int j = 0; j < 8; ++j) {
    lines[j] = _mm512_shuffle_f32x4(next[j], next[8 + j], 0x88);
    lines[8 + j] = _mm512_shuffle_f32x4(next[j], next[8 + j], 0xdd);
  }
}

/// A square of 16 x 16 of a matrix whose numbers lie one behind the other along its lines; zeros where `lines` or
/// `width` end.
void read_square(const float* from, std::int64_t stride, std::int64_t lines, std::int64_t width,
                 __m512 (&square)[kSide]) {
  const __mmask16 mask = first_lanes(width);
  for (std::int64_t i = 0; i < kSide; ++i)
    square[i] = _mm512_maskz_loadu_ps(i < lines ? mask : __mmask16(0), from + i * stride);
}

/// The three tiles of 16 lines and 32 depths of a factor, `lines` and `depth` of which are there. A tile of the left
/// factor has its lines, one of the right factor pairs of depths of all lines.
void pack_tile(const Factor& factor, bool left, const float* from, std::int64_t lines, std::int64_t depth,
               std::uint16_t* tiles) {
  const __m512i in_turn = _mm512_set_epi16(63, 31, 61, 29, 59, 27, 57, 25, 55, 23, 53, 21, 51, 19, 49, 17, 47, 15, 45,
                                           13, 43, 11, 41, 9, 39, 7, 37, 5, 35, 3, 33, 1);
  const __m512i behind = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                          25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  __m512 near[kSide], far[kSide];  // depths 0 to 15, 16 to 31
  const bool by_line = factor.depth_stride == 1;
  if (by_line) {
    read_square(from, factor.line_stride, lines, depth, near);
    read_square(from + kSide, factor.line_stride, lines, depth - kSide, far);
  } else {
    read_square(from, factor.depth_stride, depth, lines, near);
    read_square(from + kSide * factor.depth_stride, factor.depth_stride, depth - kSide, lines, far);
  }
  if (by_line != left) {
    turn(near);
    turn(far);
  }
  auto* out = reinterpret_cast<__m512i*>(tiles);
  for (std::int64_t i = 0; i < kSide; ++i, ++out) {
    if (left) {
      split(near[i], far[i], behind, out, kSide);
    } else {
      const __m512* pair = i < kSide / 2 ? near + 2 * i : far + (2 * i - kSide);
      split(pair[0], pair[1], in_turn, out, kSide);
    }
  }
}

/// Writes lines of a factor as tiles, up to a whole block of them: [16 lines][32 depths][part]. Reads along what lies
/// side by side.
void pack(const Factor& factor, bool left, std::int64_t line, std::int64_t lines, std::int64_t at, std::int64_t depth,
          std::uint16_t* tiles) {
  const std::int64_t squares = pieces(lines, kBlock) * (kBlock / kSide), deep = pieces(depth, kDepth);
  const auto pack_at = [&](std::int64_t i, std::int64_t k) {
    const std::int64_t first = line + i * kSide, from = at + k * kDepth;
    pack_tile(factor, left, factor.data + first * factor.line_stride + from * factor.depth_stride, factor.lines - first,
              at + depth - from, tiles + (i * deep + k) * kParts * kTile);
  };
  if (factor.depth_stride == 1) {
    for (std::int64_t i = 0; i < squares; ++i) {
      for (std::int64_t k = 0; k < deep; ++k) pack_at(i, k);
    }
  } else {
    for (std::int64_t k = 0; k < deep; ++k) {
      for (std::int64_t i = 0; i < squares; ++i) pack_at(i, k);
    }
  }
}

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

/// A thread's memory for tiles, kept from product to product.
class TileMemory {
 public:
  TileMemory() = default;
  TileMemory(const TileMemory&) = delete;
  TileMemory& operator=(const TileMemory&) = delete;
  ~TileMemory() { std::free(tiles_); }
  std::uint16_t* take(std::int64_t lines, std::int64_t depth) {
    const std::int64_t size = lines * depth * kParts;
    if (size > size_) {
      std::free(tiles_);
      tiles_ =
          static_cast<std::uint16_t*>(std::aligned_alloc(64, static_cast<std::size_t>(size) * sizeof(std::uint16_t)));
      if (tiles_ == nullptr) std::abort();
      size_ = size;
    }
    return tiles_;
  }

 private:
  std::uint16_t* tiles_ = nullptr;
  std::int64_t size_ = 0;
};

/// One product, block by block. The sums of a block are written while the tiles multiply the next one.
class Multiplication {
 public:
  explicit Multiplication(const TileProduct& product)
      : product_(product),
        line_step_(even_step(product.left.lines, kMostLines, kBlock)),
        column_step_(even_step(product.right.lines, kMostColumns, kBlock)),
        depth_step_(even_step(product.depth, kMostDepth, kDepth)) {
    static thread_local TileMemory left, right;
    left_ = left.take(line_step_, depth_step_);
    right_ = right.take(column_step_, depth_step_);
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
  Multiplication(product).run();
}

}  // namespace peftgrid::worker::kernels
