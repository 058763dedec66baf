"""transformers' decoders in a form that float64 and peft can take apart: linear layers instead of Conv1D, the fused one
of queries, keys and values cut in three, and RMSNorms that stay in the model's own type."""
import re
import types

import torch
from transformers.pytorch_utils import Conv1D


class QueryKeyValue(torch.nn.Module):
    """One Conv1D of three products, as three."""

    def __init__(self, fused):
        super().__init__()
        for name, weight, bias in zip(("query", "key", "value"), fused.weight.chunk(3, 1), fused.bias.chunk(3)):
            setattr(self, name, linear(weight, bias))

    def forward(self, x):
        return torch.cat([self.query(x), self.key(x), self.value(x)], -1)

    def joined(self):
        """The same as one linear layer."""
        parts = [self.query, self.key, self.value]
        return linear(torch.cat([part.weight for part in parts]).t(), torch.cat([part.bias for part in parts]))


class GateUp(torch.nn.Module):
    """One linear layer of two products, as two."""

    def __init__(self, fused):
        super().__init__()
        for name, weight in zip(("gate", "up"), fused.weight.chunk(2)):
            setattr(self, name, torch.nn.Linear(*reversed(weight.shape), bias=False))
            getattr(self, name).weight = torch.nn.Parameter(weight.clone())

    def forward(self, x):
        return torch.cat([self.gate(x), self.up(x)], -1)


def linear(weight, bias):
    made = torch.nn.Linear(*weight.shape)
    with torch.no_grad():
        made.weight.copy_(weight.t())
        made.bias.copy_(bias)
    return made


def root_mean_square(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def made_plain(model):
    """`model`, changed in place."""
    for name, module in list(model.named_modules()):
        if isinstance(module, Conv1D):
            owner, _, last = name.rpartition(".")
            plain = QueryKeyValue(module) if last == "c_attn" else linear(module.weight, module.bias)
            setattr(model.get_submodule(owner), last, plain)
        if name.endswith("gate_up_proj"):
            setattr(model.get_submodule(name.rpartition(".")[0]), "gate_up_proj", GateUp(module))
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = types.MethodType(root_mean_square, module)
    return model


FUSED = re.compile(r"\.(query|key|value|gate|up)\.(weight|bias)$")


def parts_of(model):
    """The tensors that a file holds, each with our parts of it in their order."""
    found = {}
    for name, parameter in model.named_parameters():
        found.setdefault(FUSED.sub(r".\2", name), []).append(parameter)
    return found


def joined_shape(parts):
    return sum(len(part) for part in parts), *parts[0].shape[1:]
