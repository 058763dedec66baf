"""A case as the libraries compute it: logits by transformers' BERT with the method's own library on top, in float64."""
import torch
from transformers import BertConfig, BertModel

from golden_cases import TINY
from golden_numbers import drawn

SITES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "attention_output": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense", "ffn_down": "output.dense", "ffn_norm": "output.LayerNorm",
}


def tiny_bert(activation):
    config = BertConfig(
        vocab_size=TINY["vocabulary"], hidden_size=TINY["width"], num_hidden_layers=TINY["layers"],
        num_attention_heads=TINY["heads"], intermediate_size=TINY["ffn"], max_position_embeddings=TINY["positions"],
        hidden_act=activation, attn_implementation="eager")
    model = BertModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.copy_(torch.from_numpy(drawn("tiny/" + name, parameter.shape, TINY["spread"], centre)))
    return model


class Part:
    """One tensor of ours in the reference: a view of some parameter."""

    def __init__(self, parameter, view=lambda tensor: tensor):
        self.parameter, self.view = parameter, view

    def give(self, values):
        with torch.no_grad():
            self.view(self.parameter.data).copy_(torch.from_numpy(values))

    def gradient(self):
        return self.view(self.parameter.grad).detach().numpy()


class Reference:
    def __init__(self, case, folder):
        self.case = case
        base = tiny_bert(case["activation"]) if case["base"] == "tiny" else BertModel.from_pretrained(
            folder, attn_implementation="eager")
        self.model = base.float()
        self.prompt = None
        self.model.requires_grad_(False)
        self.parts = getattr(self, "with_" + case["method"])(**case["options"])
        self.give_all(case["method"] + "/", case["spread"])
        self.add_head()
        self.model.double().eval()  # in place: parameters stay the objects that parts point to

    # ---- methods ----

    def base_parts(self, wanted):
        there = lambda name: self.reads_pooler() or "pooler" not in name
        used = {name: p for name, p in self.model.named_parameters() if wanted(name) and there(name)}
        for parameter in used.values():
            parameter.requires_grad_(True)
        return {name: Part(parameter) for name, parameter in used.items()}

    def with_full(self):
        return self.base_parts(lambda name: True)

    def with_head(self):
        return {}

    def with_top_layers(self, layers):
        top = [f"encoder.layer.{self.depth() - 1 - i}." for i in range(layers)]
        return self.base_parts(lambda name: name.startswith((*top, "pooler")))

    def with_bitfit(self, biases):
        assert biases == ["all"]
        by_name = self.base_parts(lambda name: name.endswith(".bias"))
        ours = {"embeddings.LayerNorm.bias": "embedding_norm.bias_change", "pooler.dense.bias": "pooler.bias_change"}
        for layer in range(self.depth()):
            for site, module in SITES.items():
                ours[f"encoder.layer.{layer}.{module}.bias"] = f"layer.{layer}.{site}.bias_change"
        return {ours[name]: part for name, part in by_name.items()}

    def with_lora(self, rank, alpha, targets):
        from peft import LoraConfig, get_peft_model

        modules = "|".join(SITES[target].replace(".", r"\.") for target in targets)
        get_peft_model(self.model, LoraConfig(
            r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=rf"encoder\.layer\.\d+\.({modules})"))
        parts = {}
        for layer in range(self.depth()):
            for target in targets:
                module = self.model.get_submodule(f"encoder.layer.{layer}.{SITES[target]}")
                parts[f"layer.{layer}.{target}.lora_A"] = Part(module.lora_A["default"].weight)
                parts[f"layer.{layer}.{target}.lora_B"] = Part(module.lora_B["default"].weight)
        return parts

    def with_pfeiffer(self, reduction):
        import adapters

        self.train_adapter(adapters.SeqBnConfig(reduction_factor=reduction))
        parts = {}
        for layer in range(self.depth()):
            module = self.model.get_submodule(f"encoder.layer.{layer}.output.adapters.golden")
            for ours, linear in (("down", module.adapter_down[0]), ("up", module.adapter_up)):
                parts[f"layer.{layer}.adapter_{ours}.weight"] = Part(linear.weight)
                parts[f"layer.{layer}.adapter_{ours}.bias"] = Part(linear.bias)
        return parts

    def with_prefix(self, length):
        import adapters

        self.train_adapter(adapters.PrefixTuningConfig(flat=True, prefix_length=length))
        (name, stored), = [(n, p) for n, p in self.model.named_parameters() if n.endswith("control_trans")]
        parts = {}
        for layer in range(self.depth()):
            for offset, ours in ((0, "key"), (1, "value")):
                view = lambda t, at=2 * layer + offset: t.view(length, 2 * self.depth(), -1)[:, at]
                parts[f"layer.{layer}.prefix_{ours}"] = Part(stored, view)
        return parts

    def with_prompt(self, length):
        self.prompt = torch.nn.Parameter(torch.zeros(length, self.model.config.hidden_size, dtype=torch.double))
        return {"prompt": Part(self.prompt)}

    def train_adapter(self, config):
        import adapters

        adapters.init(self.model)
        self.model.add_adapter("golden", config=config)
        self.model.train_adapter("golden")

    # ---- all ----

    def depth(self):
        return self.model.config.num_hidden_layers

    def reads_pooler(self):
        return self.case["readout"] == "pooler" and self.case["pooler"]

    def give_all(self, prefix, spread):
        if spread:
            for name, part in self.parts.items():
                part.give(drawn(prefix + name, part.view(part.parameter.data).shape, spread))

    def add_head(self):
        width, outputs = self.model.config.hidden_size, self.case["outputs"]
        shapes = {"classifier.weight": (outputs, width), "classifier.bias": (outputs,)}
        if self.case["readout"] == "pooler" and not self.case["pooler"]:
            shapes |= {"pooler.dense.weight": (width, width), "pooler.dense.bias": (width,)}
        self.head = {}
        for name, shape in shapes.items():
            values = torch.from_numpy(drawn("head/" + name, shape, 0.3)).double()
            self.head[name] = torch.nn.Parameter(values)
            self.parts[name] = Part(self.head[name])

    def logits(self, rows):
        longest = max(len(row["ids"]) for row in rows)
        pad = lambda key: torch.tensor([row[key] + [0] * (longest - len(row["ids"])) for row in rows])
        ids, types = pad("ids"), pad("types")
        mask = torch.tensor([[1] * len(row["ids"]) + [0] * (longest - len(row["ids"])) for row in rows])
        skip = 0
        if self.prompt is None:
            hidden = self.model(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        else:
            skip = self.prompt.shape[0]
            words = self.model.embeddings.word_embeddings(ids)
            ahead = self.prompt.unsqueeze(0).expand(len(rows), -1, -1)
            more = lambda tensor, value: torch.cat([torch.full((len(rows), skip), value), tensor], 1)
            hidden = self.model(inputs_embeds=torch.cat([ahead, words], 1), token_type_ids=more(types, 0),
                                attention_mask=more(mask, 1)).last_hidden_state
        return self.classify(hidden[:, skip:], mask)

    def classify(self, hidden, mask):
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
            read = torch.tanh(self.head_linear("pooler.dense", read))
        return self.head_linear("classifier", read)

    def head_linear(self, name, x):
        return torch.nn.functional.linear(x, self.head[name + ".weight"], self.head[name + ".bias"])

    def loss(self, rows):
        logits = self.logits(rows)
        if self.case["kind"] == "regression":
            targets = torch.tensor([row["target"] for row in rows]).double()
            return torch.nn.functional.mse_loss(logits.squeeze(1), targets)
        return torch.nn.functional.cross_entropy(logits, torch.tensor([row["label"] for row in rows]))
