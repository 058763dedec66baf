#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// What a method may know of a backbone: where it announces its steps, and how wide they are.
namespace peftgrid::worker {

/// The steps that a backbone announces. "Branch" means before the residual add; AttnNorm and FfnNorm stand behind their
/// branch in a post-norm block and before it in a pre-norm one. Values are part of random keys and of the order of
/// trained tensors: never renumber, only append.
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
  Pooler = 13,     // the pretrained pooler's dense layer, before its activation; one line a row, not a token
  Output = 14,     // what the head reads; one line a row
  FfnGate = 15,    // the other projection of a gated unit, before its activation; FfnHidden is act(gate) * up
  FinalNorm = 16,  // behind the last block of a pre-norm model
};
inline constexpr std::array kSites{Site::StemNorm, Site::Query,      Site::Key,      Site::Value,  Site::AttnCore,
                                   Site::AttnOut,  Site::AttnBranch, Site::AttnNorm, Site::FfnUp,  Site::FfnHidden,
                                   Site::FfnDown,  Site::FfnBranch,  Site::FfnNorm,  Site::Pooler, Site::Output,
                                   Site::FfnGate,  Site::FinalNorm};

/// One announcement a pass instead of one a layer.
constexpr bool once_a_pass(Site site) {
  return site == Site::StemNorm || site == Site::Pooler || site == Site::Output || site == Site::FinalNorm;
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
  bool causal = false;             // a token sees itself and what comes before it
  bool pre_norm = false;           // a block norms what goes into its branches, not the sum behind them
  std::array<SiteFacts, kSites.size()> sites{};
  std::vector<std::vector<Site>> fused;  // sites whose products are one matrix in the architecture's own code

  std::int64_t query_width() const { return heads * head_dim; }
  std::int64_t kv_width() const { return kv_heads * head_dim; }
  const SiteFacts& at(Site site) const { return sites[static_cast<std::size_t>(site)]; }
  SiteFacts& at(Site site) { return sites[static_cast<std::size_t>(site)]; }
  bool has(Site site) const { return at(site).out > 0; }
  /// The sites that share a matrix with this one; none where it has its own.
  const std::vector<Site>* fused_with(Site site) const;
  /// Announcements of this site in one pass.
  std::int64_t times(Site site) const { return has(site) ? (once_a_pass(site) ? 1 : layers) : 0; }
  /// The sites that this model has, in the order in which a pass announces them; those of a block once.
  std::vector<Site> order() const;
};

/// What blocks of one attention and one feed-forward part have, or have not.
struct BlockStyle {
  bool query_key_value_bias = true, attention_output_bias = true, ffn_bias = true, norm_shift = true;
  bool gated = false;  // FfnGate
  bool operator==(const BlockStyle&) const = default;
};
/// The sites of the blocks, and Site::Output.
void describe_blocks(Geometry& geometry, const BlockStyle& style);
/// A norm of the embeddings or behind the last block.
void describe_norm(Geometry& geometry, Site site, const BlockStyle& style);
/// The pretrained pooler.
void describe_pooler(Geometry& geometry);

}  // namespace peftgrid::worker
