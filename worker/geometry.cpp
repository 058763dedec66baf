#include "worker/geometry.hpp"

namespace peftgrid::worker {

std::string_view site_name(Site site) {
  switch (site) {
    case Site::StemNorm:
      return "embedding_norm";
    case Site::Query:
      return "query";
    case Site::Key:
      return "key";
    case Site::Value:
      return "value";
    case Site::AttnCore:
      return "attention_core";
    case Site::AttnOut:
      return "attention_output";
    case Site::AttnBranch:
      return "attention_branch";
    case Site::AttnNorm:
      return "attention_norm";
    case Site::FfnUp:
      return "ffn_up";
    case Site::FfnHidden:
      return "ffn_hidden";
    case Site::FfnDown:
      return "ffn_down";
    case Site::FfnBranch:
      return "ffn_branch";
    case Site::FfnNorm:
      return "ffn_norm";
    case Site::Pooler:
      return "pooler";
    case Site::Output:
      return "output";
  }
  return "";
}

std::int64_t Geometry::in(Site site) const {
  return site == Site::FfnDown || site == Site::FfnHidden ? ffn_width : width;
}

std::int64_t Geometry::out(Site site) const {
  if (site == Site::FfnUp || site == Site::FfnHidden) return ffn_width;
  if (site == Site::Key || site == Site::Value) return kv_width;
  return width;
}

bool Geometry::has_bias(Site site) const {
  switch (site) {
    case Site::Pooler:
      return has_pooler && biases;
    case Site::AttnCore:
    case Site::AttnBranch:
    case Site::FfnHidden:
    case Site::FfnBranch:
    case Site::Output:
      return false;
    default:
      return biases;
  }
}

}  // namespace peftgrid::worker
