#include "worker/backbones/rotary_plan.hpp"

#include <fmt/format.h>

namespace peftgrid::worker {

namespace {

constexpr double kMostBase = 1e12;
constexpr const char* kShare = "partial_rotary_factor";

/// Numbers of each head that turn.
std::int64_t turned_of(const ConfigReader& read, std::int64_t head_dim, double usual_share) {
  const double share = read.has(kShare) ? read.real(kShare, 0, 1, 1) : usual_share;
  if (share != usual_share && usual_share == 1) {
    read.fail(fmt::format("\"{}\" is {}: another model's attention; whole heads turn here", kShare, share));
  }
  const auto turned = static_cast<std::int64_t>(static_cast<double>(head_dim) * share);
  if (turned < 2 || turned % 2 != 0) {
    read.fail(
        fmt::format("of its heads, {} wide, {} numbers would turn; rotary positions turn pairs", head_dim, turned));
  }
  return turned;
}

void read_scaling(const ConfigReader& read, RotaryConfig& rotary) {
  const char* key = read.has("rope_type") || !read.has("type") ? "rope_type" : "type";
  const std::string type = read.text(key, {"default", "linear", "llama3"}, "default");
  if (type == "default") return;
  if (!read.has("factor")) read.fail("key \"factor\" is missing");
  rotary.factor = read.real("factor", 1, 1e6, 1);
  rotary.scaling = type == "linear" ? RotaryConfig::Scaling::Linear : RotaryConfig::Scaling::Llama3;
  if (type == "linear") return;
  for (const char* needed : {"low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}) {
    if (!read.has(needed)) read.fail(fmt::format("key \"{}\" is missing", needed));
  }
  rotary.low_factor = read.real("low_freq_factor", 1e-6, 1e6, 1);
  rotary.high_factor = read.real("high_freq_factor", 1e-6, 1e6, 1);
  rotary.original_positions = read.size("original_max_position_embeddings", 100'000'000);
  if (rotary.high_factor <= rotary.low_factor) {
    read.fail("\"high_freq_factor\" must be above \"low_freq_factor\"");
  }
}

}  // namespace

RotaryConfig read_rotary(const ConfigReader& read, std::int64_t head_dim, double usual_share) {
  const auto whole = read.within("rope_parameters"), scaling = read.within("rope_scaling");
  RotaryConfig rotary;
  rotary.turned = turned_of(whole && whole->has(kShare) ? *whole : read, head_dim, usual_share);
  const ConfigReader& base = whole && whole->has("rope_theta") ? *whole : read;
  if (!base.has("rope_theta")) {
    read.fail(
        "key \"rope_theta\" is missing; it says how fast positions turn, and models differ: add the one that this "
        "model was trained with (10000 for the first LLaMA)");
  }
  rotary.base = base.real("rope_theta", 1, kMostBase, 0);
  if (whole) read_scaling(*whole, rotary);
  if (!whole && scaling) read_scaling(*scaling, rotary);
  return rotary;
}

}  // namespace peftgrid::worker
