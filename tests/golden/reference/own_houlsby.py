"""Houlsby adapters (Houlsby et al., ICML 2019, arXiv 1902.00751): a bottleneck with its residual behind either
sublayer, ahead of the block's own residual; every norm's gain and shift trains. How tensors start says nothing here,
where all are given."""
from own_encoder import ACTIVATIONS, OwnEncoder


class Houlsby(OwnEncoder):
    def __init__(self, reference, bottleneck, activation, norms):
        super().__init__(reference)
        self.inner = self.act if activation == "model" else ACTIVATIONS[activation]
        if norms == "train":
            self.new_norm("embedding_norm")
        for layer in range(self.depth):
            for place in ("attention", "ffn"):
                self.new_linear(f"layer.{layer}.{place}_adapter_down", bottleneck, self.width)
                self.new_linear(f"layer.{layer}.{place}_adapter_up", self.width, bottleneck)
                if norms == "train":
                    self.new_norm(f"layer.{layer}.{place}_norm")

    def new_norm(self, name):
        self.new(name + ".scale_change", self.width)
        self.new(name + ".shift_change", self.width)

    def gain_and_shift(self, name, gain, shift):
        if name + ".scale_change" not in self.tensors:
            return gain, shift
        return gain + self.tensors[name + ".scale_change"], shift + self.tensors[name + ".shift_change"]

    def adapter(self, name, u):
        return u + self.trained(name + "_up", self.inner(self.trained(name + "_down", u)))

    def attention_branch(self, layer, a):
        return self.adapter(f"layer.{layer}.attention_adapter", a)

    def ffn_branch(self, layer, h_f, h_a, mask):
        return self.adapter(f"layer.{layer}.ffn_adapter", h_f)


def houlsby(reference, bottleneck, activation="model", norms="train", init="truncated"):
    encoder = Houlsby(reference, bottleneck, activation, norms)
    reference.encode = encoder.encode
    return encoder.parts()


METHODS = {"houlsby": houlsby}
