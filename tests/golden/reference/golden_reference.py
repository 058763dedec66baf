"""A case as its reference computes it, in float64: a base, a method that some library or we ourselves put on it, and
our reading of the result."""
import torch

from golden_bases import BASES
from golden_numbers import drawn


class Part:
    """One tensor of ours in the reference: a view of some parameter, less the value that ours is a change of."""

    def __init__(self, parameter, view=lambda tensor: tensor, start=None):
        self.parameter, self.view, self.start = parameter, view, start

    def shape(self):
        return self.view(self.parameter.data).shape

    def give(self, values):
        given = torch.from_numpy(values).double()
        with torch.no_grad():
            self.view(self.parameter.data).copy_(given if self.start is None else self.start + given)

    def gradient(self):
        return self.view(self.parameter.grad).detach().numpy()


class Reference:
    """`attach` puts the method on: from this and the options it makes the parts, and may set `encode`, `alone`."""

    def __init__(self, case, attach):
        self.case, self.base = case, BASES[case["base"]]
        self.model = self.base.make(case["activation"])
        self.model.requires_grad_(False)
        self.encode = self.encode_by_model  # ids, types, mask -> what is read, [rows, tokens, width]
        self.alone = False  # each row without padding
        self.parts = attach(self, **case["options"])
        self.model.double().eval()  # in place: parameters stay the objects that parts point to
        self.give_all()
        self.add_head()

    def depth(self):
        return self.model.config.num_hidden_layers

    def width(self):
        return self.model.config.hidden_size

    def site(self, layer, site):
        return self.model.get_submodule(self.base.module(layer, site))

    def reads_pooler(self):
        return self.case["readout"] == "pooler" and self.case["pooler"]

    def give_all(self):
        if not self.case["spread"]:
            return
        centres = self.case.get("centres", {})
        for name, part in self.parts.items():
            centre = centres.get(name.rsplit(".", 1)[-1], 0.0)
            part.give(drawn(f"{self.case['method']}/{name}", part.shape(), self.case["spread"], centre))

    def head_shapes(self):
        width, outputs = self.width(), self.case["outputs"]
        shapes = {"classifier.weight": (outputs, width)}
        if not self.base.decoder:
            shapes["classifier.bias"] = (outputs,)
        if self.case["readout"] == "pooler" and not self.case["pooler"]:
            shapes |= {"pooler.dense.weight": (width, width), "pooler.dense.bias": (width,)}
        return shapes

    def add_head(self):
        trains = self.case["options"].get("freeze_head") != "yes"
        self.head = {}
        for name, shape in self.head_shapes().items():
            values = torch.from_numpy(drawn("head/" + name, shape, 0.3)).double()
            self.head[name] = torch.nn.Parameter(values, requires_grad=trains)
            if trains:
                self.parts[name] = Part(self.head[name])

    def encode_by_model(self, ids, types, mask, **more):
        if self.base.types:
            more["token_type_ids"] = types
        return self.model(input_ids=ids, attention_mask=mask, **more).last_hidden_state

    def padded(self, rows):
        """ids, types, mask."""
        longest = self.case.get("max_length") or max(len(row["ids"]) for row in rows)
        pad = lambda key, value: torch.tensor([row[key] + [value] * (longest - len(row["ids"])) for row in rows])
        mask = torch.tensor([[1] * len(row["ids"]) + [0] * (longest - len(row["ids"])) for row in rows])
        return pad("ids", self.base.pad), pad("types", 0), mask

    def logits(self, rows):
        if self.alone and len(rows) > 1:
            return torch.cat([self.logits([row]) for row in rows])
        inputs = self.padded(rows)
        return self.classify(self.encode(*inputs), inputs[-1])

    def classify(self, hidden, mask):
        return self.head_linear("classifier", self.read(hidden, mask))

    def read(self, hidden, mask):
        """What the last linear layer reads of each row."""
        readout = self.case["readout"]
        if readout == "mean":
            read = (hidden * mask.unsqueeze(2)).sum(1) / mask.sum(1, keepdim=True)
        elif readout == "last":
            read = hidden[torch.arange(len(hidden)), mask.sum(1) - 1]
        elif self.reads_pooler():
            read = self.model.pooler(hidden)
        else:
            read = hidden[:, 0]
        if "pooler.dense.weight" in self.head:
            dense = {"tanh": torch.tanh, "relu": torch.relu, "gelu": torch.nn.functional.gelu}[self.base.dense]
            read = dense(self.head_linear("pooler.dense", read))
        return read

    def head_linear(self, name, x):
        return torch.nn.functional.linear(x, self.head[name + ".weight"], self.head.get(name + ".bias"))

    def loss(self, rows):
        return self.loss_of(rows, self.logits(rows))

    def loss_of(self, rows, logits):
        if self.case["kind"] == "regression":
            targets = torch.tensor([row["target"] for row in rows]).double()
            return torch.nn.functional.mse_loss(logits.squeeze(1), targets)
        return torch.nn.functional.cross_entropy(logits, torch.tensor([row["label"] for row in rows]))
