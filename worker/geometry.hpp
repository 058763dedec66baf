#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// What a method may know of a backbone: where it announces its steps, and how wide they are.
namespace peftgrid::worker {

/// The steps that a backbone announces, in the order in which a layer runs them. "Branch" means before the residual
/// add. Values are part of random keys and of the order of trained tensors: never renumber, only append.
enum class Site : std::uint8_t {
  StemNorm = 0,  // the embeddings' norm
  Query = 1,
  Key = 2,
  Value = 3,
  AttnCore = 4,    // weighted values, before the output projection; x: the queries
  AttnOut = 5,     // the output projection
  AttnBranch = 6,  // after its dropout
  AttnNorm = 7,
  FfnUp = 8,
  FfnHidden = 9,  // after the activation
  FfnDown = 10,
  FfnBranch = 11,  // after its dropout
  FfnNorm = 12,
  Pooler = 13,  // the pretrained pooler's dense layer, before its activation; one line a row, not a token
  Output = 14,  // what the head reads; one line a row
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

/// As grids name them: "query", "attention_output", "ffn_norm".
std::string_view site_name(Site site);

/// What an architecture has at a site. `out` 0: it has no such site.
struct SiteFacts {
  std::int64_t in = 0, out = 0;  // widths of what goes in and comes out
  bool bias = false;             // a pretrained bias (a norm's shift) is added here
  bool product = false;          // x W^T: what LoRA acts on
  bool norm = false;             // a norm with a pretrained scale
};

struct Geometry {
  std::int64_t layers = 0, width = 0, ffn_width = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t max_positions = 0;  // of a row's own tokens: RoBERTa's table less two
  std::array<SiteFacts, kSites.size()> sites{};

  std::int64_t kv_width() const { return kv_heads * head_dim; }
  const SiteFacts& at(Site site) const { return sites[static_cast<std::size_t>(site)]; }
  SiteFacts& at(Site site) { return sites[static_cast<std::size_t>(site)]; }
  bool has(Site site) const { return at(site).out > 0; }
  /// Announcements of this site in one pass.
  std::int64_t times(Site site) const { return has(site) ? (once_a_pass(site) ? 1 : layers) : 0; }
};

/// The sites of a block with one attention and one feed-forward part, biases and norms everywhere, and those around the
/// blocks. `pooler`: does this model, as it is read, have one?
void describe_encoder_sites(Geometry& geometry, bool pooler);

}  // namespace peftgrid::worker
