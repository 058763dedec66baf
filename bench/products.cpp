// Products in fp32 on one core, this program's beside LibTorch's, in turn: GFLOP/s, best and median of 30, warm.
// Use: products [TOKENS OUT IN]
#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include "worker/kernels/products.hpp"

namespace {

using at::Tensor;
using Product = std::function<void()>;

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds(const Product& product) {
  const double begin = processor_seconds();
  product();
  return processor_seconds() - begin;
}

void say_speed(const char* whose, double flops, std::vector<double>& times) {
  std::ranges::sort(times);
  std::printf("   %s %4.0f / %4.0f", whose, 1e-9 * flops / times.front(), 1e-9 * flops / times[times.size() / 2]);
}

void say(const char* name, double flops, const Product& ours, const Product& theirs) {
  std::vector<double> our_times, their_times;
  for (int round = -3; round < 30; ++round) {
    const double our_time = seconds(ours), their_time = seconds(theirs);
    if (round < 0) continue;
    our_times.push_back(our_time);
    their_times.push_back(their_time);
  }
  std::printf("  %-18s", name);
  say_speed("ours", flops, our_times);
  say_speed("LibTorch", flops, their_times);
  std::printf("\n");
}

void compare(std::int64_t tokens, std::int64_t out, std::int64_t in) {
  const Tensor x = at::randn({tokens, in}), weight = at::randn({out, in}), bias = at::randn({out}),
               gradient = at::randn({tokens, out});
  const double flops = 2.0 * static_cast<double>(tokens) * static_cast<double>(out) * static_cast<double>(in);
  std::printf("%ld tokens, %ld -> %ld\n", tokens, in, out);
  say(
      "forward", flops, [&] { peftgrid::worker::product(x, weight, bias); }, [&] { at::addmm(bias, x, weight.t()); });
  say(
      "gradient of input", flops, [&] { peftgrid::worker::input_gradient(gradient, weight); },
      [&] { at::mm(gradient, weight); });
  say(
      "gradient of weight", flops, [&] { peftgrid::worker::weight_gradient(gradient, x); },
      [&] { at::mm(gradient.t(), x); });
}

}  // namespace

int main(int count, char** words) {
  at::set_num_threads(1);
  if (count == 4) {
    compare(std::atol(words[1]), std::atol(words[2]), std::atol(words[3]));
    return 0;
  }
  for (const auto& [out, in] : {std::pair{576, 576}, {1536, 576}, {576, 1536}, {192, 576}}) compare(1280, out, in);
  for (const auto& [out, in] : {std::pair{384, 384}, {1536, 384}, {384, 1536}}) compare(320, out, in);
}
