"""ChatGLM2's forward pass as its release computes it (Zeng et al., 2024, arXiv 2406.12793), written out in plain Python:
RMSNorm before each half of a block, keys and values shared by groups of heads, half of each head turned by pairs of
neighbours, SiLU-gated feed-forward layers. Parameters have the release's names and shapes, but for the fused matrices of
queries, keys and values and of gate and up, which are cut into `query`, `key`, `value`, `gate` and `up`."""
import dataclasses

import torch


@dataclasses.dataclass
class ChatGlmConfig:
    padded_vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    multi_query_group_num: int
    kv_channels: int
    ffn_hidden_size: int
    layernorm_epsilon: float = 1e-5


class Norm(torch.nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = torch.nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        return self.weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.epsilon)


def parts(width, bias, **widths):
    """A fused linear layer, as its parts."""
    return torch.nn.ModuleDict({name: torch.nn.Linear(width, out, bias=bias) for name, out in widths.items()})


def turned(x, positions):
    """x [tokens, heads, head_dim]: the first half of each head, (x_2i, x_2i+1) by position / 10000^(2i / half)."""
    half = x.shape[-1] // 2
    frequency = 1.0 / 10000 ** (torch.arange(0, half, 2).float() / half)
    angle = (positions.float()[:, None] * frequency)[:, None].double()
    a, b = x[..., 0:half:2], x[..., 1:half:2]
    pairs = torch.stack([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)
    return torch.cat([pairs.flatten(-2), x[..., half:]], -1)


class Attention(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.groups, self.dim = (
            config.num_attention_heads, config.multi_query_group_num, config.kv_channels)
        shared = self.groups * self.dim
        self.query_key_value = parts(config.hidden_size, True, query=self.heads * self.dim, key=shared, value=shared)
        self.dense = torch.nn.Linear(self.heads * self.dim, config.hidden_size, bias=False)

    def forward(self, x):
        """x [tokens, width] of one row."""
        positions = torch.arange(len(x))
        split = lambda name, heads: self.query_key_value[name](x).view(len(x), heads, self.dim)
        q, k = turned(split("query", self.heads), positions), turned(split("key", self.groups), positions)
        v = split("value", self.groups)
        k, v = (t.repeat_interleave(self.heads // self.groups, 1) for t in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q, k) / self.dim ** 0.5
        hidden = positions[None, :] > positions[:, None]
        shares = scores.masked_fill(hidden, float("-inf")).softmax(-1)
        return self.dense(torch.einsum("hqk,khd->qhd", shares, v).flatten(1))


class FeedForward(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense_h_to_4h = parts(config.hidden_size, False, gate=config.ffn_hidden_size, up=config.ffn_hidden_size)
        self.dense_4h_to_h = torch.nn.Linear(config.ffn_hidden_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.dense_4h_to_h(torch.nn.functional.silu(self.dense_h_to_4h["gate"](x)) * self.dense_h_to_4h["up"](x))


class Block(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.input_layernorm = Norm(config.hidden_size, config.layernorm_epsilon)
        self.self_attention = Attention(config)
        self.post_attention_layernorm = Norm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = FeedForward(config)

    def forward(self, x):
        x = x + self.self_attention(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Encoder(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layers = torch.nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.final_layernorm = Norm(config.hidden_size, config.layernorm_epsilon)


class ChatGlmModel(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embedding = torch.nn.ModuleDict(
            {"word_embeddings": torch.nn.Embedding(config.padded_vocab_size, config.hidden_size)})
        self.encoder = Encoder(config)

    def get_input_embeddings(self):
        return self.embedding["word_embeddings"]

    def hidden(self, row):
        """Of one row of ids, [tokens, width]."""
        x = self.get_input_embeddings()(row)
        for block in self.encoder.layers:
            x = block(x)
        return self.encoder.final_layernorm(x)

    def forward(self, input_ids, attention_mask):
        """As transformers' models; padding stands behind each row."""
        rows = [self.hidden(ids[: int(mask.sum())]) for ids, mask in zip(input_ids, attention_mask)]
        longest = input_ids.shape[1]
        padded = [torch.cat([row, row.new_zeros(longest - len(row), row.shape[1])]) for row in rows]
        return dataclasses.make_dataclass("Output", ["last_hidden_state"])(torch.stack(padded))
