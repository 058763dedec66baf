#pragma once

#include <cstdint>
#include <vector>

/// Randomness by counter: every number is Philox4x32-10 (Salmon et al., SC 2011; library Random123) of trial seed,
/// purpose, step, example, position and index. So it depends on nothing else: no rank, no neighbour, no restart.
namespace peftgrid::worker {

/// What random numbers are for; part of the key, so that no two uses share a stream. A number, once
/// given, stays.
enum class Purpose : std::uint32_t {
  Order = 1,       // of the training rows, per epoch
  HeadInit = 2,    // classifier and new pooler
  MethodInit = 3,  // what the method trains
  EmbeddingDropout = 4,
  AttentionDropout = 5,  // on the softmax
  AttentionOutDropout = 6,
  FfnDropout = 7,
  HeadDropout = 8,
  MethodDropout = 9,
};

struct Key {
  std::uint32_t a = 0, b = 0;
};

/// The key of one stream of a trial: `where` tells apart layers, sites or tensors of one purpose.
Key stream(std::uint64_t seed, Purpose purpose, std::uint32_t where = 0);

/// Four numbers of a stream at a counter.
struct Four {
  std::uint32_t v[4];
};
Four philox(Key key, std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3);

/// `count` normal numbers N(0, std²), by Box-Muller.
std::vector<float> normal(Key key, std::int64_t count, double std);
/// The same without those beyond two deviations, which are drawn again.
std::vector<float> truncated_normal(Key key, std::int64_t count, double std);
/// `count` numbers uniform in [-bound, bound).
std::vector<float> uniform(Key key, std::int64_t count, double bound);
/// A permutation of 0..count-1 by Fisher-Yates; `epoch` tells apart the permutations of one key.
std::vector<std::int64_t> permutation(Key key, std::int64_t count, std::uint32_t epoch);

}  // namespace peftgrid::worker
