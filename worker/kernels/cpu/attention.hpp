#pragma once

#include <cstdint>

#include "worker/kernels/cpu/activation.hpp"
#include "worker/kernels/cpu/buffer.hpp"
#include "worker/kernels/cpu/matmul.hpp"
#include "worker/kernels/cpu/philox.hpp"
#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp only: attention of one row and head at a time, everything in cache. Padding every row to the
/// longest, as batched products need, would more than double the work on real text.
/// No template of the standard library may be instantiated here: the linker would keep one copy of it for the whole
/// program, perhaps the one with instructions that an older processor lacks.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// Softmax over `scale` times the first `count` of scores[0 .. padded); the padding becomes 0.
inline void softmax(float* scores, std::int64_t count, float scale) {
  const std::int64_t width = padded(count);
  Floats high = Floats{} - 1e30F;
  for (std::int64_t j = 0; j < width; j += kLanes) {
    const Floats scaled = before(count, j, load(scores + j) * scale, -1e30F);
    store(scores + j, scaled);
    high = scaled > high ? scaled : high;
  }
  const float highest = highest_of_lanes(high);
  Floats sums{};
  for (std::int64_t j = 0; j < width; j += kLanes) {
    const Floats e = before(count, j, exp_of_negative(load(scores + j) - highest), 0);
    store(scores + j, e);
    sums += e;
  }
  const float factor = 1.0F / sum_of_lanes(sums);
  for (std::int64_t j = 0; j < width; j += kLanes) store(scores + j, load(scores + j) * factor);
}

/// Zeroes line[begin .. end), both multiples of the lanes.
inline void clear(float* line, std::int64_t begin, std::int64_t end) {
  for (std::int64_t j = begin; j < end; j += kLanes) store(line + j, Floats{});
}

/// Where one row's keys and values come from, and memory for one head of it.
struct Workspace {
  Buffer<float> keys, values, queries, outs;  // [length or extra + length, head_dim padded]
  Buffer<float> transposed;                   // [head_dim, extra + length padded]
  Buffer<float> weights, factors, scores, result, shared, again;
};

/// One head of one row: sizes and where its numbers lie.
struct Head {
  std::int64_t length, all, width, all_width, head_dim, stride;  // length: keys of its own; width, all_width: padded
                                                                 // head_dim and extra + length
  std::int64_t token, column;                                    // first token of the row, first column of the head
  std::int64_t asked, queries, line;    // queries: positions from `asked` on; line: of the first in q and out
  std::int64_t key_column, key_stride;  // as column and stride, of keys and values
  bool adds;                            // an earlier head has the same keys
};

inline Head head_of(const AttentionShape& shape, std::int64_t row, std::int64_t head) {
  const std::int64_t tokens = shape.offsets[row + 1] - shape.offsets[row];
  const std::int64_t length = shape.keys == nullptr ? tokens : shape.keys[row];
  const std::int64_t all = shape.extra + length, group = shape.heads / shape.kv_heads;
  return {length,
          all,
          padded(shape.head_dim),
          padded(all),
          shape.head_dim,
          shape.heads * shape.head_dim,
          shape.offsets[row],
          head * shape.head_dim,
          shape.query == nullptr ? 0 : shape.query[row],
          shape.query == nullptr ? tokens : 1,
          shape.query == nullptr ? shape.offsets[row] : row,
          head / group * shape.head_dim,
          shape.kv_heads * shape.head_dim,
          head % group != 0};
}

inline std::int64_t lesser(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

/// Keys, extra ones included, that the queries before the one of index `end` see.
inline std::int64_t reach(const AttentionShape& shape, const Head& h, std::int64_t end) {
  return shape.causal ? shape.extra + lesser(h.length, h.asked + end) : h.all;
}

/// visit(first, count) over 0 .. all in order: at once, or where later keys are out of sight by so few that little is
/// multiplied in vain.
template <typename Visit>
inline void by_blocks(const AttentionShape& shape, std::int64_t all, Visit visit) {
  constexpr std::int64_t kCausalBlock = 32;
  const std::int64_t block = shape.causal ? kCausalBlock : all;
  for (std::int64_t first = 0; first < all; first += block) visit(first, lesser(block, all - first));
}

/// Numbers of a head by lines of `stride`.
struct Lines {
  const float* first;
  std::int64_t stride;
};

/// `count` lines of a head, `stride` numbers apart, as they lie, or copied where vectors would read beyond the head.
inline Lines lines_of(const Head& h, const float* from, std::int64_t stride, std::int64_t count,
                      Buffer<float>& buffer) {
  if (h.width == h.head_dim) return {from, stride};
  float* to = buffer.take(count * h.width);
  gather(from, stride, count, h.head_dim, h.width, to);
  return {to, h.width};
}

/// The keys or values of a row: `extra` ones, then its own.
inline Lines all_lines(const AttentionShape& shape, const Head& h, std::int64_t row, const float* extra,
                       const float* own, Buffer<float>& buffer) {
  const float* from = own + h.token * h.key_stride + h.key_column;
  if (shape.extra == 0) return lines_of(h, from, h.key_stride, h.length, buffer);
  float* to = buffer.take(h.all * h.width);
  gather(extra + row * shape.extra_row_stride + h.key_column, h.key_stride, shape.extra, h.head_dim, h.width, to);
  gather(from, h.key_stride, h.length, h.head_dim, h.width, to + shape.extra * h.width);
  return {to, h.width};
}

/// Factors of the softmax's dropout, 0 or 1 / (1 - rate), [queries, all_width]; null without dropout. One draw of 64
/// numbers serves four queries and sixteen keys: a draw for each query would waste most of it on short rows.
inline const float* dropout_factors(const AttentionShape& shape, const Head& h, std::int64_t head, Workspace& w) {
  if (shape.dropout <= 0) return nullptr;
  float* factors = w.factors.take(h.queries * h.all_width);
  const std::uint32_t threshold = drop_threshold(shape.dropout);
  const float scale = 1.0F / (1.0F - shape.dropout);
  for (std::int64_t done = 0; done < h.queries;) {
    const std::int64_t position = h.asked + done, within = position % 4;
    const std::int64_t count = h.queries - done < 4 - within ? h.queries - done : 4 - within;
    const std::uint32_t where = static_cast<std::uint32_t>(position / 4) | static_cast<std::uint32_t>(head) << 16;
    for (std::int64_t key = 0; key < h.all_width; key += kPad) {
      std::uint32_t bits[kBlock];
      philox_block(shape.stream, static_cast<std::uint32_t>(key / kPad), where, shape.stream.example[h.token], bits);
      for (std::int64_t i = 0; i < count; ++i) {
        float* line = factors + (done + i) * h.all_width + key;
        for (std::int64_t l = 0; l < kPad; ++l) line[l] = bits[(within + i) * kPad + l] >= threshold ? scale : 0.0F;
      }
    }
    done += count;
  }
  return factors;
}

/// The softmax's weights after dropout, [queries, all_width].
inline const float* dropped(const Head& h, const float* weights, const float* factors, Workspace& w) {
  if (factors == nullptr) return weights;
  float* kept = w.weights.take(h.queries * h.all_width);
  for (std::int64_t i = 0; i < h.queries * h.all_width; i += kLanes)
    store(kept + i, load(weights + i) * load(factors + i));
  return kept;
}

/// to [count, head_dim] += from, by lines of `stride` and of `width`.
inline void add_lines(const Head& h, const float* from, std::int64_t count, float* to, std::int64_t stride) {
  for (std::int64_t j = 0; j < count; ++j) {
    for (std::int64_t c = 0; c < h.head_dim; ++c) to[j * stride + c] += from[j * h.width + c];
  }
}

/// For the keys or values of a row: sums over its queries of weights [queries, all_width] times lines of the queries.
/// The gradient of the row's own is written to `own`, or added where an earlier head has the same keys; that of the
/// extra ones is added to `extra`.
inline void give_back(const AttentionShape& shape, const Head& h, const float* weights, const Lines& lines, float* own,
                      float* extra, Workspace& w) {
  float* to = h.adds ? w.shared.take(h.length * h.width) : own;
  const std::int64_t to_stride = h.adds ? h.width : h.key_stride;
  by_blocks(shape, h.length, [&](std::int64_t key, std::int64_t count) {
    const std::int64_t unseeing = shape.causal && key > h.asked ? lesser(key - h.asked, h.queries) : 0;
    matmul(count, h.head_dim, h.queries - unseeing, weights + unseeing * h.all_width + shape.extra + key, 1,
           h.all_width, lines.first + unseeing * lines.stride, lines.stride, to + key * to_stride, to_stride);
  });
  if (h.adds) add_lines(h, to, h.length, own, h.key_stride);
  if (extra == nullptr) return;
  float* sums = w.result.take(shape.extra * h.width);
  matmul(shape.extra, h.head_dim, h.queries, weights, 1, h.all_width, lines.first, lines.stride, sums, h.width);
  add_lines(h, sums, shape.extra, extra, h.key_stride);
}

/// The softmax's weights before dropout, [queries, all_width]. `q` is the row's and head's first number.
inline void weigh(const AttentionShape& shape, const Head& h, const float* q, const Lines& keys, float* weights,
                  Workspace& w) {
  float* keys_transposed = w.transposed.take(h.head_dim * h.all_width);
  transpose(keys.first, h.all, h.head_dim, keys.stride, h.all_width, keys_transposed);
  by_blocks(shape, h.queries, [&](std::int64_t i, std::int64_t count) {
    matmul(count, padded(reach(shape, h, i + count)), h.head_dim, q + i * h.stride, h.stride, 1, keys_transposed,
           h.all_width, weights + i * h.all_width, h.all_width);
  });
  for (std::int64_t i = 0; i < h.queries; ++i) {
    const std::int64_t seen = reach(shape, h, i + 1);
    softmax(weights + i * h.all_width, seen, shape.scale);
    clear(weights + i * h.all_width, padded(seen), h.all_width);
  }
}

/// What backward finds of them where they were kept, or again where they were not: the same bits.
inline const float* kept_weights(const AttentionShape& shape, const Head& h, const float* q, const Lines& keys,
                                 const float*& kept, Workspace& w) {
  const std::int64_t size = h.queries * h.all_width;
  if (keeps_weights(h.all)) {
    kept += size;
    return kept - size;
  }
  float* again = w.again.take(size);
  weigh(shape, h, q, keys, again, w);
  return again;
}

inline void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const float* extra_k,
                      const float* extra_v, float* out, float* kept) {
  static thread_local Workspace w;
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      const Head h = head_of(shape, row, head);
      const std::int64_t from = h.line * h.stride + h.column;
      const Lines keys = all_lines(shape, h, row, extra_k, k, w.keys);
      const Lines values = all_lines(shape, h, row, extra_v, v, w.values);
      const std::int64_t size = h.queries * h.all_width;
      const bool keeps = kept != nullptr && keeps_weights(h.all);
      float* scores = keeps ? kept : w.scores.take(size);
      weigh(shape, h, q + from, keys, scores, w);
      const float* weights = dropped(h, scores, dropout_factors(shape, h, head, w), w);
      by_blocks(shape, h.queries, [&](std::int64_t i, std::int64_t count) {
        matmul(count, h.head_dim, reach(shape, h, i + count), weights + i * h.all_width, h.all_width, 1, values.first,
               values.stride, out + from + i * h.stride, h.stride);
      });
      if (keeps) kept += size;
    }
  }
}

/// Turns gradients on the softmax's weights (after dropout) into gradients on the products of queries and keys, in
/// place.
inline void softmax_backward(const AttentionShape& shape, const Head& h, const float* weights, const float* factors,
                             float* gradient) {
  for (std::int64_t i = 0; i < h.queries; ++i) {
    float* g = gradient + i * h.all_width;
    const float* p = weights + i * h.all_width;
    const std::int64_t width = padded(reach(shape, h, i + 1));
    if (factors != nullptr) {
      const float* f = factors + i * h.all_width;
      for (std::int64_t j = 0; j < width; j += kLanes) store(g + j, load(g + j) * load(f + j));
    }
    Floats sums{};
    for (std::int64_t j = 0; j < width; j += kLanes) sums += load(g + j) * load(p + j);
    const float inner = sum_of_lanes(sums);
    for (std::int64_t j = 0; j < width; j += kLanes) store(g + j, load(p + j) * (load(g + j) - inner) * shape.scale);
    clear(g, width, h.all_width);
  }
}

inline void attention_backward(const AttentionShape& shape, const float* q, const float* k, const float* v,
                               const float* extra_k, const float* extra_v, const float* kept, const float* out_gradient,
                               float* q_gradient, float* k_gradient, float* v_gradient, float* extra_k_gradient,
                               float* extra_v_gradient) {
  static thread_local Workspace w;
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      const Head h = head_of(shape, row, head);
      const std::int64_t from = h.token * h.key_stride + h.key_column, from_query = h.line * h.stride + h.column;
      const Lines keys = all_lines(shape, h, row, extra_k, k, w.keys);
      const Lines values = all_lines(shape, h, row, extra_v, v, w.values);
      const Lines queries = lines_of(h, q + from_query, h.stride, h.queries, w.queries);
      const Lines outs = lines_of(h, out_gradient + from_query, h.stride, h.queries, w.outs);
      const auto extra_of = [&](float* all) {
        return all == nullptr ? nullptr : all + row * shape.extra_row_stride + h.key_column;
      };
      const float* plain = kept_weights(shape, h, q + from_query, keys, kept, w);
      const float* factors = dropout_factors(shape, h, head, w);
      const float* weights = dropped(h, plain, factors, w);
      give_back(shape, h, weights, outs, v_gradient + from, extra_of(extra_v_gradient), w);
      float* values_transposed = w.transposed.take(h.head_dim * h.all_width);
      transpose(values.first, h.all, h.head_dim, values.stride, h.all_width, values_transposed);
      float* scores = w.scores.take(h.queries * h.all_width);
      by_blocks(shape, h.queries, [&](std::int64_t i, std::int64_t count) {
        matmul(count, padded(reach(shape, h, i + count)), h.head_dim, outs.first + i * outs.stride, outs.stride, 1,
               values_transposed, h.all_width, scores + i * h.all_width, h.all_width);
      });
      softmax_backward(shape, h, plain, factors, scores);
      give_back(shape, h, scores, queries, k_gradient + from, extra_of(extra_k_gradient), w);
      by_blocks(shape, h.queries, [&](std::int64_t i, std::int64_t count) {
        matmul(count, h.head_dim, reach(shape, h, i + count), scores + i * h.all_width, h.all_width, 1, keys.first,
               keys.stride, q_gradient + from_query + i * h.stride, h.stride);
      });
    }
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
