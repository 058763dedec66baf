#include "worker/backbones/rotary_plan.hpp"

#include <fmt/format.h>

#include <optional>

namespace peftgrid::worker {

namespace {

constexpr double kMostBase = 1e12;

/// Where a config says how positions turn: in an object of its own, and in keys of the model beside it.
struct RotaryKeys {
  std::optional<ConfigReader> own;  // none, or empty: the keys beside alone
  const ConfigReader& beside;

  /// The one that has the key; refused where both have it and `read` finds two values: transformers' versions differ in
  /// which of them holds.
  template <typename Read>
  const ConfigReader& holder(const char* key, Read read) const {
    if (!own || !own->has(key)) return beside;
    if (beside.has(key) && read(*own, key) != read(beside, key))
      own->fail(fmt::format("\"{}\" has another value beside it; leave one of the two out", key));
    return *own;
  }
};

RotaryKeys keys_of(const ConfigReader& read) {
  constexpr const char *kNew = "rope_parameters", *kOld = "rope_scaling";
  const auto by_new = read.within(kNew), by_old = read.within(kOld);
  const bool is_new = read.holds_items(kNew), is_old = read.holds_items(kOld);
  if (is_new && is_old && !read.are_alike(kNew, kOld))
    read.fail(fmt::format("\"{}\" and \"{}\" say different things; leave one of the two out", kNew, kOld));
  return {is_new ? by_new : is_old ? by_old : std::nullopt, read};
}

/// Numbers of each head that turn.
std::int64_t turned_of(const RotaryKeys& keys, std::int64_t head_dim, double usual_share) {
  constexpr const char* kShare = "partial_rotary_factor";
  const auto real = [](const ConfigReader& read, const char* key) { return read.real(key, 0, 1, 1); };
  const ConfigReader& read = keys.holder(kShare, real);
  const double share = read.has(kShare) ? real(read, kShare) : usual_share;
  if (share != usual_share && usual_share == 1) {
    read.fail(fmt::format("\"{}\" is {}: another model's attention; whole heads turn here", kShare, share));
  }
  const auto turned = static_cast<std::int64_t>(static_cast<double>(head_dim) * share);
  if (turned < 2 || turned % 2 != 0) {
    read.fail(fmt::format("\"{}\" {} of heads {} wide (\"head_dim\") lets {} numbers turn; positions turn pairs",
                          kShare, share, head_dim, turned));
  }
  return turned;
}

double base_of(const RotaryKeys& keys) {
  constexpr const char* kBase = "rope_theta";
  const auto real = [](const ConfigReader& read, const char* key) { return read.real(key, 1, kMostBase, 0); };
  const ConfigReader& read = keys.holder(kBase, real);
  if (!read.has(kBase)) {
    read.fail(
        "key \"rope_theta\" is missing; it says how fast positions turn, and models differ: add the one that this "
        "model was trained with (10000 for the first LLaMA)");
  }
  return real(read, kBase);
}

/// Of Llama 3: of the model before its rows were made longer; as transformers falls back.
std::int64_t original_positions(const RotaryKeys& keys) {
  constexpr const char *kOriginal = "original_max_position_embeddings", *kNow = "max_position_embeddings";
  const auto size = [](const ConfigReader& read, const char* key) { return read.size(key, 100'000'000); };
  const ConfigReader& read = keys.holder(kOriginal, size);
  return read.has(kOriginal) ? size(read, kOriginal) : size(keys.beside, kNow);
}

void read_scaling(const RotaryKeys& keys, RotaryConfig& rotary) {
  const ConfigReader& read = *keys.own;
  const char* key = read.has("rope_type") || !read.has("type") ? "rope_type" : "type";
  const std::string type = read.text(key, {"default", "linear", "llama3"}, "default");
  if (type == "default") return;
  if (!read.has("factor")) read.fail("key \"factor\" is missing");
  rotary.factor = read.real("factor", 1e-6, 1e6, 1);
  rotary.scaling = type == "linear" ? RotaryConfig::Scaling::Linear : RotaryConfig::Scaling::Llama3;
  if (type == "linear") return;
  for (const char* needed : {"low_freq_factor", "high_freq_factor"}) {
    if (!read.has(needed)) read.fail(fmt::format("key \"{}\" is missing", needed));
  }
  rotary.low_factor = read.real("low_freq_factor", 1e-6, 1e6, 1);
  rotary.high_factor = read.real("high_freq_factor", 1e-6, 1e6, 1);
  rotary.original_positions = original_positions(keys);
  if (rotary.high_factor <= rotary.low_factor) {
    read.fail("\"high_freq_factor\" must be above \"low_freq_factor\"");
  }
}

}  // namespace

RotaryConfig read_rotary(const ConfigReader& read, std::int64_t head_dim, double usual_share) {
  const RotaryKeys keys = keys_of(read);
  RotaryConfig rotary;
  rotary.turned = turned_of(keys, head_dim, usual_share);
  rotary.base = base_of(keys);
  if (keys.own) read_scaling(keys, rotary);
  return rotary;
}

}  // namespace peftgrid::worker
