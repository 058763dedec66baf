"""A post-norm encoder written out in float64: BERT and RoBERTa as their papers have them, no dropout. Methods that no
library has override the step that they change."""
import math

import torch

from golden_reference import Part

ACTIVATIONS = {"gelu": torch.nn.functional.gelu, "relu": torch.relu, "swish": lambda x: x * torch.sigmoid(x)}


class OwnEncoder:
    def __init__(self, reference):
        config = reference.model.config
        self.base, self.depth, self.width, self.heads = (
            reference.base, config.num_hidden_layers, config.hidden_size, config.num_attention_heads)
        self.epsilon, self.act = config.layer_norm_eps, ACTIVATIONS[config.hidden_act]
        self.weights = {name: p.detach().double() for name, p in reference.model.named_parameters()}
        self.tensors = {}  # trained ones, by our names

    def new(self, name, *shape):
        self.tensors[name] = torch.nn.Parameter(torch.zeros(*shape, dtype=torch.double))

    def new_linear(self, name, outputs, inputs):
        self.new(name + ".weight", outputs, inputs)
        self.new(name + ".bias", outputs)

    def trained(self, name, x):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def parts(self):
        return {name: Part(tensor) for name, tensor in self.tensors.items()}

    # ---- the steps ----

    def positions(self, ids):
        """RoBERTa counts from its pad id, which pads keep."""
        if self.base.family == "Bert":
            return torch.arange(ids.shape[1]).expand_as(ids)
        real = (ids != self.base.pad).long()
        return real.cumsum(1) * real + self.base.pad

    def embedded(self, ids, types):
        table = lambda name: self.weights[f"embeddings.{name}_embeddings.weight"]
        x = table("word")[ids] + table("position")[self.positions(ids)] + table("token_type")[types]
        return self.norm("embedding_norm", "embeddings.LayerNorm", x)

    def norm(self, name, module, x):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + self.epsilon)
        gain, shift = self.gain_and_shift(name, self.weights[module + ".weight"], self.weights[module + ".bias"])
        return scaled * gain + shift

    def gain_and_shift(self, name, gain, shift):
        return gain, shift

    def projection(self, layer, site, x):
        module = self.base.module(layer, site)
        return x @ self.weights[module + ".weight"].T + self.weights[module + ".bias"]

    def product(self, layer, site, x, mask):
        return self.projection(layer, site, x)

    def by_head(self, x):
        return x.reshape(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def attended(self, queries, keys, values, visible):
        scores = queries @ keys.transpose(2, 3) / math.sqrt(self.width // self.heads)
        return torch.softmax(scores.masked_fill(~visible[:, None, None, :], -math.inf), -1) @ values

    def extra_keys_and_values(self, layer, x, mask):
        """Ahead of the text's own: [rows, more, width] each."""
        return None

    def attention_core(self, layer, queries, core):
        return core

    def attention_branch(self, layer, a):
        return a

    def ffn_branch(self, layer, h_f, h_a, mask):
        return h_f

    def ffn_norm(self, layer, x):
        return self.norm(f"layer.{layer}.ffn_norm", self.base.module(layer, "ffn_norm"), x)

    def block(self, layer, x, mask):
        keys, values = self.product(layer, "key", x, mask), self.product(layer, "value", x, mask)
        visible, extra = mask.bool(), self.extra_keys_and_values(layer, x, mask)
        if extra is not None:
            keys, values = torch.cat([extra[0], keys], 1), torch.cat([extra[1], values], 1)
            visible = torch.cat([torch.ones(len(x), extra[0].shape[1], dtype=torch.bool), visible], 1)
        queries = self.by_head(self.product(layer, "query", x, mask))
        core = self.attended(queries, self.by_head(keys), self.by_head(values), visible)
        core = self.attention_core(layer, queries, core).transpose(1, 2).reshape(x.shape)
        a = self.attention_branch(layer, self.projection(layer, "attention_output", core))
        h_a = self.norm(f"layer.{layer}.attention_norm", self.base.module(layer, "attention_norm"), a + x)
        h_f = self.projection(layer, "ffn_down", self.act(self.projection(layer, "ffn_up", h_a)))
        return self.ffn_norm(layer, self.ffn_branch(layer, h_f, h_a, mask) + h_a)

    def encode(self, ids, types, mask):
        x = self.embedded(ids, types)
        for layer in range(self.depth):
            x = self.block(layer, x, mask)
        return x
