#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <vector>

#include "worker/methods/parameters.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// All trained tensors of a trial in one flat buffer on `device`, and their gradients in another; each starts at a
/// multiple of 64 bytes (MKL's results depend on alignment). The tensors become views, so methods see every update.
class FlatParameters {
 public:
  /// `tokens`: all that the training texts hold, or empty for any: rows of other tokens get no gradient: untouched,
  /// they are passed over on the CPU. Another device passes over nothing as fast.
  explicit FlatParameters(std::vector<Trained> parameters, const std::set<std::int64_t>& tokens = {},
                          at::Device device = at::kCPU);
  const std::vector<Trained>& parameters() const { return parameters_; }
  at::Tensor& values() { return values_; }
  const at::Tensor& values() const { return values_; }
  at::Tensor& gradients() { return gradients_; }
  void clear_gradients();
  /// Runs of the buffer with one rule of decay and one rate.
  struct Segment {
    std::int64_t begin, count;
    bool decays;
    double rate;  // times the trial's
  };
  /// What gets gradients, in the buffer's order.
  const std::vector<Segment>& segments() const { return segments_; }
  /// Rows that never get one, and decay.
  const std::vector<Segment>& untouched() const { return untouched_; }

 private:
  void add_lines(const Trained& parameter, std::int64_t begin, const std::set<std::int64_t>& tokens);

  std::vector<Trained> parameters_;
  at::Tensor values_, gradients_;
  std::vector<Segment> segments_, untouched_;
};

/// The rate's factor at step `step` (from 0) of `steps`: transformers' get_*_schedule_with_warmup.
double schedule_factor(const TrainingSpec& training, std::int64_t step, std::int64_t steps);

/// AdamW (Loshchilov and Hutter, ICLR 2019) with bias correction, as torch.optim.AdamW.
class AdamW {
 public:
  AdamW(FlatParameters& parameters, const TrainingSpec& training, std::int64_t steps);
  /// Clips the gradient's norm, then updates. Returns the norm before clipping (NaN and infinity included).
  double step();
  /// Gives untouched rows the decay of all steps so far: at once, since nothing reads them in between. To be called
  /// before anything but a training text is read with the parameters, and before they are kept.
  void apply_pending_decay();

  /// What a step changes beside the parameters, to be kept and put back. The tensors are the optimizer's own.
  struct State {
    std::int64_t done = 0;     // steps
    double pending_decay = 1;  // times the untouched rows
    at::Tensor first, second;
  };
  State state() const { return {done_, pending_decay_, first_, second_}; }
  void restore(const State& state);

 private:
  double gradient_norm() const;
  void update(double rate, double scale);

  FlatParameters& parameters_;
  TrainingSpec training_;
  std::int64_t steps_, done_ = 0;
  double pending_decay_ = 1;
  at::Tensor first_, second_;
  at::Tensor decays_;  // 1 where decay acts, else 0; undefined on the CPU, whose loops go by segment
};

}  // namespace peftgrid::worker
