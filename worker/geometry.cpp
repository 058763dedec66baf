#include "worker/geometry.hpp"

#include <algorithm>

namespace peftgrid::worker {

std::string_view site_name(Site site) {
  static constexpr std::array<std::string_view, kSites.size()> kNames{
      "embedding_norm",   "query",          "key",    "value",      "attention_core", "attention_output",
      "attention_branch", "attention_norm", "ffn_up", "ffn_hidden", "ffn_down",       "ffn_branch",
      "ffn_norm",         "pooler",         "output", "ffn_gate",   "final_norm"};
  return kNames[static_cast<std::size_t>(site)];
}

const std::vector<Site>* Geometry::fused_with(Site site) const {
  const auto found =
      std::ranges::find_if(fused, [&](const auto& one) { return std::ranges::find(one, site) != one.end(); });
  return found == fused.end() ? nullptr : &*found;
}

std::vector<Site> Geometry::order() const {
  using enum Site;
  static constexpr std::array kPostNorm{StemNorm, Query, Key,       Value,   AttnCore,  AttnOut, AttnBranch, AttnNorm,
                                        FfnGate,  FfnUp, FfnHidden, FfnDown, FfnBranch, FfnNorm, Pooler,     Output};
  static constexpr std::array kPreNorm{AttnNorm, Query, Key,       Value,   AttnCore,  AttnOut,   AttnBranch, FfnNorm,
                                       FfnGate,  FfnUp, FfnHidden, FfnDown, FfnBranch, FinalNorm, Output};
  std::vector<Site> found;
  const auto add = [&](const auto& all) {
    std::ranges::copy_if(all, std::back_inserter(found), [&](Site site) { return has(site); });
  };
  if (pre_norm) {
    add(kPreNorm);
  } else {
    add(kPostNorm);
  }
  return found;
}

void describe_blocks(Geometry& geometry, const BlockStyle& style) {
  const std::int64_t d = geometry.width, f = geometry.ffn_width, q = geometry.query_width(), kv = geometry.kv_width();
  const auto product = [](std::int64_t in, std::int64_t out, bool bias) {
    return SiteFacts{in, out, bias, true, false};
  };
  const SiteFacts plain{d, d, false, false, false};
  geometry.at(Site::Query) = product(d, q, style.query_key_value_bias);
  geometry.at(Site::Key) = product(d, kv, style.query_key_value_bias);
  geometry.at(Site::Value) = product(d, kv, style.query_key_value_bias);
  geometry.at(Site::AttnCore) = {q, q, false, false, false};
  geometry.at(Site::AttnOut) = product(q, d, style.attention_output_bias);
  geometry.at(Site::AttnBranch) = plain;
  describe_norm(geometry, Site::AttnNorm, style);
  if (style.gated) geometry.at(Site::FfnGate) = product(d, f, style.ffn_bias);
  geometry.at(Site::FfnUp) = product(d, f, style.ffn_bias);
  geometry.at(Site::FfnHidden) = {f, f, false, false, false};
  geometry.at(Site::FfnDown) = product(f, d, style.ffn_bias);
  geometry.at(Site::FfnBranch) = plain;
  describe_norm(geometry, Site::FfnNorm, style);
  geometry.at(Site::Output) = plain;
}

void describe_norm(Geometry& geometry, Site site, const BlockStyle& style) {
  geometry.at(site) = {geometry.width, geometry.width, style.norm_shift, false, true};
}

void describe_pooler(Geometry& geometry) {
  geometry.at(Site::Pooler) = {geometry.width, geometry.width, true, true, false};
}

}  // namespace peftgrid::worker
