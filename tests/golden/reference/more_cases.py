"""The cases of further methods, options and bases, by the file that holds them: transformers_more.json (with peft),
transformers_pages.json (of methods that docs/adding_a_method.md adds), adapters_more.json, own.json (references of our
own)."""
from golden_bases import BASES
from golden_cases import TINY_METHODS, case

MORE_BASES = {  # beside tiny and tiny_roberta, which have every method
    "tiny_xlm_roberta": ["full", "head", "lora"],
    "tiny_distilbert": ["full", "head", "lora"],
    "tiny_electra": ["head", "lora"],
}
FIRST = {  # the first eight, on RoBERTa
    "transformers_more": ["full", "head", "top_layers", "lora", "lora_all", "bitfit", "prompt"],
    "adapters_more": ["pfeiffer", "prefix"],
}

QUERY_VALUE = {"targets": ["query", "value"]}
CENTRED = {"centres": {"magnitude": 1.5}}  # by the last part of a tensor's name; 0 for all others
ADAPTER_HUB = {"norms": "frozen", "init": "normal"}
PTUNING_MLP, PTUNING_LSTM = {"length": 4, "encoder": "mlp"}, {"length": 4, "encoder": "lstm", "hidden": 8}
# A gate's bias has one number as its gradient, and rows of unlike labels nearly cancel in it. The sizes and spreads of
# UniPELT's cases are those, of several tried, at which fp32 tells each of these numbers to about 2e-6. None were found
# for gated prefixes and pairs on MiniLM, whose six layers have 24 of them.
APL = {"length": 3, "network_width": 16, "reduction": 4, "rank": 4, "alpha": 8.0}
AP = {"length": 6, "network_width": 12, "reduction": 2, "parts": ["prefix", "adapter"]}
PADDED = {"length": 6, "network_width": 24, "reduction": 2, "rank": 4, "alpha": 8.0, "gate_positions": "padded"}

# method, options, spread of the given tensors, rate; a fifth: further keys of the case
TINY = {
    "transformers_more": {
        "lora_sqrt_rank": ("lora", {"rank": 4, "alpha": 8.0, **QUERY_VALUE, "scaling": "sqrt_rank"}, 0.3, 5e-3),
        "lora_word_all": ("lora", {"rank": 2, "alpha": 3.0, "targets": ["all"]}, 0.3, 5e-3),
        "lora_pissa": ("lora", {"rank": 4, "alpha": 8.0, **QUERY_VALUE, "init": "pissa"}, 0.1, 5e-3,
                       {"added_to_start": True}),
        "dora": ("dora", {"rank": 4, "alpha": 8.0, **QUERY_VALUE}, 0.3, 5e-3, CENTRED),
        "dora_all_sqrt_rank": ("dora", {"rank": 2, "alpha": 3.0, "targets": ["all"], "scaling": "sqrt_rank"}, 0.3, 5e-3,
                               CENTRED),
        "ia3": ("ia3", {}, 0.3, 1e-2),
        "ia3_peft": ("ia3", {"placement": "peft"}, 0.3, 1e-2),
        "bitfit_subset": ("bitfit", {"biases": ["query", "ffn_up"]}, 0.1, 5e-3),
        "norms": ("norms", {}, 0.1, 5e-3),
        "norms_and_biases": ("norms_and_biases", {}, 0.1, 5e-3),
        "prompt_first": ("prompt", {"length": 4, "readout_at": "first"}, 0.5, 1e-2),
        "ptuning_mlp": ("ptuning", PTUNING_MLP, 0.3, 5e-3),
        "ptuning_mlp_first": ("ptuning", PTUNING_MLP | {"readout_at": "first"}, 0.3, 5e-3),
        "ptuning_lstm": ("ptuning", PTUNING_LSTM, 0.5, 5e-3),
        "ptuning_lstm_first": ("ptuning", PTUNING_LSTM | {"readout_at": "first"}, 0.5, 5e-3),
        "prefix_shifted": ("prefix", {"length": 5, "positions": "shifted"}, 1.0, 1e-2),
        "prefix_shifted_network": ("prefix", {"length": 5, "network_width": 8, "positions": "shifted"}, 0.5, 5e-3),
        "ptuning_v2": ("ptuning_v2", {"length": 5, "dropout": 0.0}, 1.0, 1e-2),
        "ptuning_v2_network": ("ptuning_v2", {"length": 5, "network_width": 8, "dropout": 0.0}, 0.5, 5e-3),
    },
    "transformers_pages": {
        "vera": ("vera", {"rank": 16, "targets": ["all"]}, 0.3, 1e-2),
        "vera_start": ("vera", {"rank": 40, **QUERY_VALUE, "d_initial": 0.5}, 0, 1e-2),
    },
    "adapters_more": {
        "pfeiffer_gelu": ("pfeiffer", {"reduction": 4, "activation": "gelu"}, 0.3, 5e-3),
        "pfeiffer_swish": ("pfeiffer", {"reduction": 4, "activation": "swish"}, 0.3, 5e-3),
        "prefix_network": ("prefix", {"length": 5, "network_width": 8}, 0.5, 5e-3),
        "houlsby_swish": ("houlsby", {"bottleneck": 8, "activation": "swish", **ADAPTER_HUB}, 0.3, 5e-3),
        "houlsby_relu": ("houlsby", {"bottleneck": 8, "activation": "relu", **ADAPTER_HUB}, 0.3, 5e-3),
        "houlsby_gelu": ("houlsby", {"bottleneck": 8, "activation": "gelu", **ADAPTER_HUB}, 0.3, 5e-3),
        "parallel_adapter": ("parallel_adapter", {"reduction": 4}, 0.2, 2e-3),
        "parallel_adapter_gelu": ("parallel_adapter", {"reduction": 4, "scale": 2.0, "activation": "gelu"}, 0.3, 5e-3),
        "parallel_adapter_swish": ("parallel_adapter", {"reduction": 2, "scale": 2.0, "activation": "swish"}, 0.2,
                                   5e-3),
        "mam": ("mam", {"length": 5, "network_width": 8, "reduction": 4, "scale": 2.0}, 0.3, 5e-3),
        "unipelt": ("unipelt", APL, 0.6, 5e-3),
        "unipelt_no_gates": ("unipelt", APL | {"gates": "no"}, 0.3, 5e-3),
        "unipelt_ap": ("unipelt", AP, 0.7, 5e-3),
        "unipelt_ap_no_gates": ("unipelt", AP | {"gates": "no"}, 0.3, 5e-3),
        "unipelt_prefix": ("unipelt", {"length": 6, "network_width": 24, "parts": ["prefix"]}, 0.4, 5e-3),
        "unipelt_adapter": ("unipelt", {"reduction": 4, "parts": ["adapter"]}, 0.3, 5e-3),
        "unipelt_lora": ("unipelt", {"rank": 8, "alpha": 16.0, "parts": ["lora"]}, 0.5, 5e-3),
    },
    "own": {
        "lora_plus": ("lora", {"rank": 4, "alpha": 8.0, **QUERY_VALUE, "b_rate_ratio": 4.0}, 0.3, 2e-3),
        "houlsby": ("houlsby", {"bottleneck": 8}, 0.2, 5e-3),
        "houlsby_model_is_relu": ("houlsby", {"bottleneck": 8}, 0.2, 5e-3, {"activation": "relu"}),
        "llama_adapter": ("llama_adapter", {"length": 4}, 0.5, 1e-2),
        "llama_adapter_layer": ("llama_adapter", {"length": 4, "gate": "layer"}, 0.5, 1e-2),
        "llama_adapter_top": ("llama_adapter", {"length": 4, "layers": 1}, 0.5, 1e-2),
        "unipelt_padded": ("unipelt", PADDED, 0.4, 5e-3, {"max_length": 32}),
        "unipelt_freeze_head": ("unipelt", APL | {"freeze_head": "yes"}, 0.6, 5e-3),
    },
}
MINILM = {
    "transformers_more": {
        "lora_all_sqrt_rank": ("lora", {"rank": 4, "alpha": 8.0, "targets": ["all"], "scaling": "sqrt_rank"}, 0.05,
                               3e-4),
        "lora_pissa": ("lora", {"rank": 2, "alpha": 4.0, "targets": ["value"], "init": "pissa"}, 0.02, 1e-3,
                       {"added_to_start": True}),
        "dora": ("dora", {"rank": 8, "alpha": 16.0, **QUERY_VALUE}, 0.05, 1e-3, CENTRED),
        "ia3": ("ia3", {}, 0.1, 1e-3),
        "bitfit_subset": ("bitfit", {"biases": ["query", "ffn_up"]}, 0.05, 1e-3),
        "norms": ("norms", {}, 0.05, 1e-3),
        "norms_and_biases": ("norms_and_biases", {}, 0.05, 1e-3),
        "ptuning": ("ptuning", {"length": 10, "encoder": "lstm", "hidden": 32}, 0.2, 1e-3),
        "ptuning_v2": ("ptuning_v2", {"length": 10, "dropout": 0.0}, 1.0, 1e-3),
    },
    "transformers_pages": {
        "vera": ("vera", {"rank": 256, **QUERY_VALUE}, 0.1, 1e-2),
    },
    "adapters_more": {
        "prefix_network": ("prefix", {"length": 10, "network_width": 64}, 0.2, 1e-3),
        "houlsby_swish": ("houlsby", {"bottleneck": 24, "activation": "swish", **ADAPTER_HUB}, 0.05, 1e-3),
        "parallel_adapter": ("parallel_adapter", {"reduction": 4}, 0.05, 3e-4),
        "mam": ("mam", {"length": 10, "network_width": 64, "reduction": 4, "scale": 4.0}, 0.05, 3e-4),
        "unipelt_no_gates": ("unipelt", {"length": 8, "network_width": 32, "reduction": 16, "rank": 8, "alpha": 16.0,
                                         "gates": "no"}, 0.05, 3e-4),
        "unipelt_adapter": ("unipelt", {"reduction": 16, "parts": ["adapter"]}, 0.1, 1e-3),
    },
    "own": {
        "lora_plus": ("lora", {"rank": 8, "alpha": 16.0, **QUERY_VALUE, "b_rate_ratio": 4.0}, 0.05, 1e-3),
        "houlsby": ("houlsby", {"bottleneck": 24}, 0.05, 1e-3),
        "llama_adapter": ("llama_adapter", {"length": 10}, 0.3, 1e-3),
    },
}


# On decoders, whose biases and fused products differ: every method that transformers and peft have for them.
DECODERS = ["tiny_openai_gpt", "tiny_gpt2", "tiny_llama", "tiny_mistral", "tiny_qwen2", "tiny_qwen3", "tiny_glm",
            "tiny_chatglm"]
BIASED = ["tiny_openai_gpt", "tiny_gpt2", "tiny_qwen2", "tiny_glm", "tiny_chatglm"]
ACTIVATIONS = {"tiny_openai_gpt": "gelu", "tiny_gpt2": "gelu_new"}  # silu otherwise
ON_DECODERS = {label: TINY_METHODS[label] for label in ("full", "head", "top_layers", "lora", "bitfit", "prompt")} | {
    label: TINY["transformers_more"][label]
    for label in ("lora_word_all", "lora_pissa", "dora", "ia3", "ia3_peft", "norms", "norms_and_biases", "ptuning_lstm",
                  "prefix_shifted", "prefix_shifted_network", "ptuning_v2")} | {
    "llama_adapter_layer": ("llama_adapter", {"length": 4, "gate": "layer"}, 0.5, 1e-2),
    "llama_adapter_top": ("llama_adapter", {"length": 4, "gate": "layer", "layers": 1}, 0.5, 1e-2)}
ON_EVERY_DECODER = ["full", "head", "lora", "lora_word_all", "norms"]


# Thirty blocks deep: at higher rates six rows are learnt by heart, and losses near 0 have no digits to compare.
SMOLLM2 = {
    "full": ("full", {}, 0, 1e-6),
    "lora": ("lora", {"rank": 8, "alpha": 16.0, **QUERY_VALUE}, 0.02, 1e-4),
    "ia3": ("ia3", {}, 0.02, 1e-4),
    "prefix_shifted": ("prefix", {"length": 3, "positions": "shifted"}, 1.0, 1e-4),
    "llama_adapter_layer": ("llama_adapter", {"length": 4, "gate": "layer"}, 0.3, 1e-4),
}


def decoder_cases():
    cases = []
    for base in DECODERS:
        every = base in ("tiny_gpt2", "tiny_llama")
        for label, row in ON_DECODERS.items():
            lacks = label == "bitfit" and base not in BIASED or label.startswith("llama_adapter") and base == "tiny_gpt2"
            if (every or label in ON_EVERY_DECODER or label == "bitfit") and not lacks:
                cases.append(on(base, label, row, "last"))
        cases.append(on(base, "lora", TINY_METHODS["lora"], "mean"))
    cases += [on("smollm2", label, row, "last", outputs=2) for label, row in SMOLLM2.items()]
    shared = {"rank": 4, "alpha": 8.0, "targets": ["query", "key", "value"], "pairs": "shared"}
    cases.append(on("tiny_gpt2", "lora_shared", ("lora", shared, 0.3, 5e-3), "last"))
    cases.append(on("tiny_gpt2", "lora", TINY_METHODS["lora"], "last", marks=["regression"], kind="regression",
                    outputs=1, targets="standardized"))
    return cases


def on(base, label, row, readout="pooler", **more):
    keys = row[4] if len(row) > 4 else {}
    if BASES[base].decoder:
        keys = {"activation": ACTIVATIONS.get(base, "silu")} | keys
    return case(base, label, {label: row[:4]}, readout, pooler=BASES[base].pooler, **(more | keys))


def more_cases(group):
    if group == "transformers_decoders":
        return decoder_cases()
    cases = [on(base, label, row) for base in ("tiny", "tiny_roberta") for label, row in TINY[group].items()]
    cases += [on("tiny_roberta", label, TINY_METHODS[label]) for label in FIRST.get(group, [])]
    if group == "transformers_more":
        cases += [on(base, label, TINY_METHODS[label]) for base, labels in MORE_BASES.items() for label in labels]
    return cases + [on("minilm", label, row, "mean", outputs=2) for label, row in MINILM[group].items()]
