#include "worker/geometry.hpp"

namespace peftgrid::worker {

std::string_view site_name(Site site) {
  static constexpr std::array<std::string_view, kSites.size()> kNames{
      "embedding_norm",   "query",          "key",    "value",      "attention_core", "attention_output",
      "attention_branch", "attention_norm", "ffn_up", "ffn_hidden", "ffn_down",       "ffn_branch",
      "ffn_norm",         "pooler",         "output"};
  return kNames[static_cast<std::size_t>(site)];
}

void describe_encoder_sites(Geometry& geometry, bool pooler) {
  const std::int64_t d = geometry.width, f = geometry.ffn_width, kv = geometry.kv_width();
  const auto product = [](std::int64_t in, std::int64_t out) { return SiteFacts{in, out, true, true, false}; };
  const SiteFacts norm{d, d, true, false, true}, plain{d, d, false, false, false};
  geometry.at(Site::StemNorm) = norm;
  geometry.at(Site::Query) = product(d, d);
  geometry.at(Site::Key) = product(d, kv);
  geometry.at(Site::Value) = product(d, kv);
  geometry.at(Site::AttnCore) = plain;
  geometry.at(Site::AttnOut) = product(d, d);
  geometry.at(Site::AttnBranch) = plain;
  geometry.at(Site::AttnNorm) = norm;
  geometry.at(Site::FfnUp) = product(d, f);
  geometry.at(Site::FfnHidden) = {f, f, false, false, false};
  geometry.at(Site::FfnDown) = product(f, d);
  geometry.at(Site::FfnBranch) = plain;
  geometry.at(Site::FfnNorm) = norm;
  geometry.at(Site::Pooler) = pooler ? product(d, d) : SiteFacts{};
  geometry.at(Site::Output) = plain;
}

}  // namespace peftgrid::worker
