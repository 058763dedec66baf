#include "worker/backbones/blocks.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>

#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

NormSettings settings_of(const ModelConfig& config) {
  return {config.norm_epsilon, config.root_mean_square};
}

std::string name_of(const BlockRun& run, const char* module) {
  return "layer." + std::to_string(run.layer) + "." + module;
}

Tensor project(const BlockRun& run, const Sites& of, Site site, const char* module, const Tensor& x) {
  return of.at({site, run.layer, x, run.weights.linear(name_of(run, module), x)});
}

/// Qwen3's norm of each head, over its own numbers.
Tensor normed_heads(const BlockRun& run, const char* module, const Tensor& x) {
  const Tensor heads = x.reshape({-1, run.model.config.head_dim});
  return run.weights.add_norm(name_of(run, module), heads, {}, settings_of(run.model.config)).y.view(x.sizes());
}

Tensor turned(const BlockRun& run, const Sites& lines, const Tensor& x) {
  if (!run.turned.cosines.defined()) return x;
  Rotation mine = run.turned;
  mine.cosines = lines.lines(mine.cosines);
  mine.sines = lines.lines(mine.sines);
  return rotate(x, mine);
}

/// What the queries of `mine`, the lines of x that ask, find among the keys of all x, behind the output projection.
Tensor attend(const BlockRun& run, const Tensor& x, const Tensor& mine) {
  const ModelConfig& config = run.model.config;
  Tensor q = project(run, run.asking, Site::Query, "query", mine);
  Tensor k = project(run, run.all, Site::Key, "key", x);
  const Tensor v = project(run, run.all, Site::Value, "value", x);
  if (config.query_key_norm) {
    q = normed_heads(run, "query_norm", q);
    k = normed_heads(run, "key_norm", k);
  }
  q = turned(run, run.asking, q);
  k = turned(run, run.all, k);
  const Tensor core =
      run.asking.attention(run.layer, x, q, k, v, run.model.geometry, config.attention_dropout.value_or(0));
  return project(run, run.asking, Site::AttnOut, "attention_output",
                 run.asking.at({Site::AttnCore, run.layer, q, core}));
}

Tensor activate(const ModelFacts& model, const Tensor& x) {
  if (model.config.activation == "relu") return at::relu(x);
  if (model.config.activation == "gelu") return worker::gelu(x);
  // Encoders keep LibTorch's, which the bytes of their trials were made with.
  return model.geometry.causal ? worker::gelu(x, GeluForm::Tanh) : at::gelu(x, "tanh");
}

Tensor feed(const BlockRun& run, const Tensor& x) {
  const bool gated = run.model.config.style.gated;
  Tensor gate;
  if (gated) gate = project(run, run.asking, Site::FfnGate, "ffn_gate", x);
  const Tensor up = project(run, run.asking, Site::FfnUp, "ffn_up", x);
  const Tensor active = gated ? silu_gate(gate, up) : activate(run.model, up);
  return project(run, run.asking, Site::FfnDown, "ffn_down", run.asking.at({Site::FfnHidden, run.layer, up, active}));
}

struct Half {
  Site branch, norm;
  const char* module;
  Purpose purpose;
  double dropout;
};
Half attention_half(const BlockRun& run) {
  return {Site::AttnBranch, Site::AttnNorm, "attention_norm", Purpose::AttentionOutDropout,
          run.model.config.attention_branch_dropout.value_or(0)};
}
Half feed_forward_half(const BlockRun& run) {
  return {Site::FfnBranch, Site::FfnNorm, "ffn_norm", Purpose::FfnDropout, run.model.config.ffn_dropout.value_or(0)};
}

NormPlace norm_place(const BlockRun& run, const Half& half) {
  return {half.norm, run.layer, name_of(run, half.module)};
}

/// A branch's end behind its dropout, announced.
Tensor branch_of(const BlockRun& run, const Half& half, const Tensor& y, const Tensor& residual) {
  const Tensor dropped = run.asking.dropout(y, half.dropout, half.purpose, run.layer);
  const auto joined = [&] {
    if (run.model.geometry.pre_norm) return dropped + residual;
    return run.weights.add_norm(name_of(run, half.module), dropped, residual, settings_of(run.model.config)).y;
  };
  return run.asking.at({half.branch, run.layer, y, dropped, joined, residual});
}

}  // namespace

Normed normed(const ModelConfig& config, const Weights& weights, const Sites& sites, const NormPlace& at,
              const Tensor& a, const Tensor& b) {
  Normed both = weights.add_norm(at.name, a, b, settings_of(config));
  const auto plain = [&] {
    if (!config.root_mean_square) return at::layer_norm(both.sum, {both.sum.size(1)}, {}, {}, config.norm_epsilon);
    return both.sum * at::rsqrt((both.sum * both.sum).mean({-1}, true) + config.norm_epsilon);
  };
  both.y = sites.at({at.site, at.layer, both.sum, both.y, {}, {}, plain});
  return both;
}

Tensor post_norm_block(const BlockRun& run, const Tensor& x) {
  const auto close = [&](const Half& half, const Tensor& y, const Tensor& residual) {
    const Tensor branch = branch_of(run, half, y, residual);
    return normed(run.model.config, run.weights, run.asking, norm_place(run, half), branch, residual).y;
  };
  const Tensor mine = run.asking.lines(x);
  const Tensor a = close(attention_half(run), attend(run, x, mine), mine);
  return close(feed_forward_half(run), feed(run, a), a);
}

Tensor pre_norm_block(const BlockRun& run, const Tensor& x) {
  const Half attention = attention_half(run), feed_forward = feed_forward_half(run);
  const ModelConfig& config = run.model.config;
  const Tensor in = normed(config, run.weights, run.all, norm_place(run, attention), x, {}).y;
  const Tensor mine = run.asking.lines(x);
  const Tensor branch = branch_of(run, attention, attend(run, in, run.asking.lines(in)), mine);
  const Normed middle = normed(config, run.weights, run.asking, norm_place(run, feed_forward), branch, mine);
  return branch_of(run, feed_forward, feed(run, middle.y), middle.sum) + middle.sum;
}

}  // namespace peftgrid::worker
