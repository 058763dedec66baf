#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// What a method may know of a backbone: where it announces its steps, and how wide they are.
namespace peftgrid::worker {

/// The steps that a backbone announces, in the order in which a layer runs them. "Branch" means before the residual
/// add.
enum class Site {
  StemNorm,  // the embeddings' norm
  Query,
  Key,
  Value,
  AttnCore,    // weighted values, before the output projection; x: the queries
  AttnOut,     // the output projection
  AttnBranch,  // after its dropout
  AttnNorm,
  FfnUp,
  FfnHidden,  // after the activation
  FfnDown,
  FfnBranch,  // after its dropout
  FfnNorm,
  Pooler,  // the pretrained pooler's dense layer, before tanh; one line a row, not a token
  Output,  // what the head reads; one line a row
};
inline constexpr std::array kSites{Site::StemNorm, Site::Query,      Site::Key,      Site::Value,  Site::AttnCore,
                                   Site::AttnOut,  Site::AttnBranch, Site::AttnNorm, Site::FfnUp,  Site::FfnHidden,
                                   Site::FfnDown,  Site::FfnBranch,  Site::FfnNorm,  Site::Pooler, Site::Output};

/// One announcement a pass instead of one a layer.
constexpr bool once_a_pass(Site site) {
  return site == Site::StemNorm || site == Site::Pooler || site == Site::Output;
}
/// One line a row of the batch instead of one a token.
constexpr bool per_row(Site site) {
  return site == Site::Pooler || site == Site::Output;
}

/// As grids name them: "query", "attention_output", "ffn_norm"; see site_name.
std::string_view site_name(Site site);

struct Geometry {
  std::int64_t layers = 0, width = 0, ffn_width = 0, heads = 0, head_dim = 0, kv_width = 0, max_positions = 0;
  bool biases = true;       // its linear layers and norms have biases
  bool has_pooler = false;  // a pretrained one, and the readout goes through it

  /// Widths of what goes into and comes out of a site.
  std::int64_t in(Site site) const;
  std::int64_t out(Site site) const;
  /// A pretrained bias is added at this site.
  bool has_bias(Site site) const;
};

}  // namespace peftgrid::worker
