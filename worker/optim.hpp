#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/adapters/method.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// All trained tensors of a trial in one flat buffer, and their gradients in another; each starts at a multiple of 64
/// bytes (MKL's results depend on alignment). The tensors become views, so methods see every update.
class FlatParameters {
 public:
  explicit FlatParameters(std::vector<Trained> parameters);
  const std::vector<Trained>& parameters() const { return parameters_; }
  at::Tensor& values() { return values_; }
  at::Tensor& gradients() { return gradients_; }
  void clear_gradients();
  /// Runs of the buffer with one rule of decay.
  struct Segment {
    std::int64_t begin, count;
    bool decays;
  };
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  std::vector<Trained> parameters_;
  at::Tensor values_, gradients_;
  std::vector<Segment> segments_;
};

/// The rate's factor at step `step` (from 0) of `steps`: transformers' get_*_schedule_with_warmup.
double schedule_factor(const TrainingSpec& training, std::int64_t step, std::int64_t steps);

/// AdamW (Loshchilov and Hutter, ICLR 2019) with bias correction, as torch.optim.AdamW.
class AdamW {
 public:
  AdamW(FlatParameters& parameters, const TrainingSpec& training, std::int64_t steps);
  /// Clips the gradient's norm, then updates. Returns the norm before clipping (NaN and infinity included).
  double step();

 private:
  FlatParameters& parameters_;
  TrainingSpec training_;
  std::int64_t steps_, done_ = 0;
  at::Tensor first_, second_;
};

}  // namespace peftgrid::worker
