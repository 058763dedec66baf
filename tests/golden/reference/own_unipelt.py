"""UniPELT (Mao et al., ACL 2022, arXiv 2110.07577): a prefix with its network, a bottleneck, and low-rank pairs on
query and value, each times a gate, which is one number a row: the mean over positions of sigmoid(w u + b). The pairs'
gate stands in place of alpha / rank. A prefix reads the block's input, pairs the product's, the bottleneck its own."""
import torch

from own_encoder import OwnEncoder


class Unipelt(OwnEncoder):
    def __init__(self, reference, parts, gates, length, network_width, reduction, rank, alpha, gate_positions):
        super().__init__(reference)
        self.used, self.gated, self.over_pads = parts, gates == "yes", gate_positions == "padded"
        width = self.width
        if "prefix" in parts:
            self.new("prefix.prefix_embedding", length, width)
            self.new_linear("prefix.prefix_network.0", network_width, width)
            self.new_linear("prefix.prefix_network.2", 2 * self.depth * width, network_width)
        if "lora" in parts:
            self.plain_scale = alpha / rank
        for layer in range(self.depth):
            if "prefix" in parts:
                self.new_gate(f"prefix.layer.{layer}")
            if "adapter" in parts:
                self.new_linear(f"adapter.layer.{layer}.adapter_down", width // reduction, width)
                self.new_linear(f"adapter.layer.{layer}.adapter_up", width, width // reduction)
                self.new_gate(f"adapter.layer.{layer}")
            for site in ("query", "value") if "lora" in parts else ():
                self.new(f"lora.layer.{layer}.{site}.lora_A", rank, width)
                self.new(f"lora.layer.{layer}.{site}.lora_B", width, rank)
                self.new_gate(f"lora.layer.{layer}.{site}")

    def new_gate(self, name):
        if self.gated:
            self.new(name + ".gate.weight", self.width)
            self.new(name + ".gate.bias", 1)

    def gate(self, name, u, mask):
        """[rows, 1, 1]."""
        each = torch.sigmoid(u @ self.tensors[name + ".gate.weight"] + self.tensors[name + ".gate.bias"])
        counted = torch.ones_like(each) if self.over_pads else mask.double()
        return ((each * counted).sum(1) / counted.sum(1))[:, None, None]

    def extra_keys_and_values(self, layer, x, mask):
        if "prefix" not in self.used:
            return None
        inner = torch.tanh(self.trained("prefix.prefix_network.0", self.tensors["prefix.prefix_embedding"]))
        pieces = self.trained("prefix.prefix_network.2", inner).split(self.width, 1)
        gate = self.gate(f"prefix.layer.{layer}", x, mask) if self.gated else torch.ones(len(x), 1, 1).double()
        return gate * pieces[2 * layer], gate * pieces[2 * layer + 1]

    def product(self, layer, site, x, mask):
        y, name = self.projection(layer, site, x), f"lora.layer.{layer}.{site}"
        if name + ".lora_A" not in self.tensors:
            return y
        scale = self.gate(name, x, mask) if self.gated else self.plain_scale
        return y + scale * (x @ self.tensors[name + ".lora_A"].T @ self.tensors[name + ".lora_B"].T)

    def ffn_branch(self, layer, h_f, h_a, mask):
        if "adapter" not in self.used:
            return h_f
        name, v = f"adapter.layer.{layer}", self.ffn_norm(layer, h_f + h_a)
        found = self.trained(name + ".adapter_up", torch.relu(self.trained(name + ".adapter_down", v)))
        return h_f + (self.gate(name, v, mask) * found if self.gated else found)


def unipelt(reference, parts=("prefix", "adapter", "lora"), gates="yes", length=None, network_width=None,
            reduction=None, rank=None, alpha=None, gate_positions="real", freeze_head="no"):
    """A frozen head is the reference's matter."""
    encoder = Unipelt(reference, parts, gates, length, network_width, reduction, rank, alpha, gate_positions)
    reference.encode = encoder.encode
    return encoder.parts()


METHODS = {"unipelt": unipelt}
