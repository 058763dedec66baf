#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "worker/backbones/architecture.hpp"
#include "worker/methods/sites.hpp"
#include "worker/model/weights.hpp"

/// The blocks that architectures are made of. The announcements stand here, so that no architecture can forget one.
namespace peftgrid::worker {

/// One block in one pass. All tokens are keys and values; what `asking` leaves out asks for nothing.
struct BlockRun {
  const ModelFacts& model;
  const Weights& weights;
  const Sites& all;
  const Sites& asking;
  const Rotation& turned;  // of all tokens; undefined: nothing turns
  std::int64_t layer;
};

/// A norm's place: where it is announced, and the name of its weights.
struct NormPlace {
  Site site;
  std::int64_t layer;
  std::string name;
};
/// a + b and its norm, announced; b may be undefined.
Normed normed(const ModelConfig& config, const Weights& weights, const Sites& sites, const NormPlace& at,
              const at::Tensor& a, const at::Tensor& b);

/// Post-norm (Vaswani et al., 2017): each half ends with the norm of its sum. x [tokens, width] to [lines, width].
at::Tensor post_norm_block(const BlockRun& run, const at::Tensor& x);
/// Pre-norm (Xiong et al., 2020): x is the residual stream, and what is returned too.
at::Tensor pre_norm_block(const BlockRun& run, const at::Tensor& x);

}  // namespace peftgrid::worker
