#include "worker/training/optim.hpp"

#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/cuda/cuda_ops.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kAlignment = 16;  // floats in 64 bytes

std::int64_t rounded(std::int64_t count) {
  return (count + kAlignment - 1) / kAlignment * kAlignment;
}

/// Adds a run, joined to the last one where it goes on.
void append(std::vector<FlatParameters::Segment>& runs, const FlatParameters::Segment& run) {
  const bool goes_on = !runs.empty() && runs.back().begin + runs.back().count == run.begin &&
                       runs.back().decays == run.decays && runs.back().rate == run.rate;
  if (goes_on) {
    runs.back().count += run.count;
  } else {
    runs.push_back(run);
  }
}

/// The whole buffer, cut where the rate changes: a device runs one kernel for each.
std::vector<FlatParameters::Segment> runs_of_one_rate(const FlatParameters& parameters) {
  std::vector<FlatParameters::Segment> runs;
  for (FlatParameters::Segment part : parameters.segments()) {
    part.decays = false;  // a tensor beside the buffer says where it does
    append(runs, part);
  }
  return runs;
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Trained> parameters, const std::set<std::int64_t>& tokens, at::Device device)
    : parameters_(std::move(parameters)) {
  std::int64_t total = 0;
  for (const Trained& p : parameters_) total += rounded(p.tensor.numel());
  values_ = at::zeros({total}, at::TensorOptions().dtype(at::kFloat).device(device));
  gradients_ = at::zeros_like(values_);
  std::int64_t begin = 0;
  for (Trained& p : parameters_) {
    const std::int64_t count = p.tensor.numel();
    const at::Tensor value = values_.narrow(0, begin, count).view(p.tensor.sizes());
    value.copy_(p.tensor.detach());
    p.tensor.set_data(value);
    p.tensor.mutable_grad() = gradients_.narrow(0, begin, count).view(p.tensor.sizes());
    if (p.by_token && !tokens.empty() && device.is_cpu()) {
      add_lines(p, begin, tokens);
    } else {
      append(segments_, {begin, rounded(count), p.decays, p.rate});
    }
    begin += rounded(count);
  }
}

void FlatParameters::add_lines(const Trained& parameter, std::int64_t begin, const std::set<std::int64_t>& tokens) {
  const std::int64_t width = parameter.tensor.size(1);
  for (std::int64_t line = 0; line < parameter.tensor.size(0); ++line) {
    const Segment mine{begin + line * width, width, parameter.decays, parameter.rate};
    if (tokens.contains(line)) {
      append(segments_, mine);
    } else if (parameter.decays) {
      append(untouched_, mine);
    }
  }
}

void FlatParameters::clear_gradients() {
  if (!gradients_.is_cpu()) {
    gradients_.zero_();
    return;
  }
  float* gradients = gradients_.mutable_data_ptr<float>();
  for (const Segment& s : segments_) std::fill_n(gradients + s.begin, s.count, 0.0F);
}

double schedule_factor(const TrainingSpec& training, std::int64_t step, std::int64_t steps) {
  const double total = static_cast<double>(steps), now = static_cast<double>(step);
  const double warmup = training.warmup_steps(steps);
  if (now < warmup) return now / std::max(1.0, warmup);
  if (training.schedule == "constant") return 1;
  const double progress = (now - warmup) / std::max(1.0, total - warmup);
  if (training.schedule == "cosine") return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
  return std::max(0.0, 1.0 - progress);
}

AdamW::AdamW(FlatParameters& parameters, const TrainingSpec& training, std::int64_t steps)
    : parameters_(parameters),
      training_(training),
      steps_(steps),
      first_(at::zeros_like(parameters.values())),
      second_(at::zeros_like(parameters.values())) {
  if (first_.is_cpu()) return;
  decays_ = at::zeros_like(first_);
  for (const FlatParameters::Segment& part : parameters.segments()) {
    if (part.decays) decays_.narrow(0, part.begin, part.count).fill_(1);
  }
}

double AdamW::gradient_norm() const {
  if (decays_.defined()) return std::sqrt(cuda_ops::squares(parameters_.gradients()));
  const float* gradient = parameters_.gradients().const_data_ptr<float>();
  double squares = 0;
  for (const FlatParameters::Segment& part : parameters_.segments()) {
    squares += kernels::table().squares(gradient + part.begin, part.count);
  }
  return std::sqrt(squares);
}

double AdamW::step() {
  const double norm = gradient_norm();
  const double scale = training_.clip > 0 ? std::min(1.0, training_.clip / (norm + 1e-6)) : 1.0;
  const double rate = training_.learning_rate * schedule_factor(training_, done_, steps_);
  ++done_;
  update(rate, scale);
  pending_decay_ *= 1.0 - rate * training_.weight_decay;
  return norm;
}

void AdamW::update(double rate, double scale) {
  const auto count = static_cast<double>(done_);
  const double correction1 = 1.0 - std::pow(training_.beta1, count);
  const double correction2 = 1.0 - std::pow(training_.beta2, count);
  if (decays_.defined()) {
    for (const FlatParameters::Segment& part : runs_of_one_rate(parameters_)) {
      const auto of = [&](const at::Tensor& whole) { return whole.narrow(0, part.begin, part.count); };
      cuda_ops::adamw({rate * part.rate, training_.weight_decay, training_.beta1, training_.beta2, training_.epsilon,
                       correction1, correction2, scale},
                      of(decays_), of(parameters_.gradients()), of(parameters_.values()), of(first_), of(second_));
    }
    return;
  }
  const float* gradient = parameters_.gradients().const_data_ptr<float>();
  for (const FlatParameters::Segment& part : parameters_.segments()) {
    kernels::table().adamw(
        parameters_.values().mutable_data_ptr<float>() + part.begin, gradient + part.begin,
        first_.mutable_data_ptr<float>() + part.begin, second_.mutable_data_ptr<float>() + part.begin, part.count,
        static_cast<float>(rate * part.rate), part.decays ? static_cast<float>(training_.weight_decay) : 0.0F,
        training_.beta1, training_.beta2, static_cast<float>(training_.epsilon), static_cast<float>(correction1),
        static_cast<float>(correction2), static_cast<float>(scale));
  }
}

void AdamW::restore(const State& state) {
  done_ = state.done;
  pending_decay_ = state.pending_decay;
  first_.copy_(state.first);
  second_.copy_(state.second);
}

void AdamW::apply_pending_decay() {
  float* values = parameters_.values().mutable_data_ptr<float>();
  const auto factor = static_cast<float>(pending_decay_);
  for (const FlatParameters::Segment& run : parameters_.untouched()) {
    for (std::int64_t i = run.begin; i < run.begin + run.count; ++i) values[i] *= factor;
  }
  pending_decay_ = 1;
}

}  // namespace peftgrid::worker
