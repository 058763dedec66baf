"""LLaMA-Adapter (Zhang et al., ICLR 2024, arXiv 2303.16199) on an encoder, so without a causal mask: the layer's own
frozen key and value products, biases included, read a prompt, over which every query has a softmax of its own; a gate
weighs what it finds."""
import torch

from own_encoder import OwnEncoder


class LlamaAdapter(OwnEncoder):
    def __init__(self, reference, length, layers, gate):
        super().__init__(reference)
        self.per_head = gate == "head"
        for layer in range(self.depth - (layers or self.depth), self.depth):
            self.new(f"layer.{layer}.adapter_prompt", length, self.width)
            self.new(f"layer.{layer}.gate", self.heads if self.per_head else 1)

    def attention_core(self, layer, queries, core):
        if f"layer.{layer}.gate" not in self.tensors:
            return core
        prompt, gate = self.tensors[f"layer.{layer}.adapter_prompt"], self.tensors[f"layer.{layer}.gate"]
        keys, values = (self.by_head(self.projection(layer, site, prompt).unsqueeze(0)) for site in ("key", "value"))
        found = self.attended(queries, keys, values, torch.ones(1, len(prompt), dtype=torch.bool))
        weight = torch.tanh(gate) if self.per_head else gate
        return core + weight[None, :, None, None] * found


def llama_adapter(reference, length, layers=0, gate="head"):
    encoder = LlamaAdapter(reference, length, layers, gate)
    reference.encode = encoder.encode
    return encoder.parts()


METHODS = {"llama_adapter": llama_adapter}
