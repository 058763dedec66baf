"""Which cases there are, and the rows that they run on."""
import numpy as np

from golden_numbers import words

READOUTS = ["pooler", "cls", "mean", "last"]
ALL_TARGETS = ["query", "key", "value", "attention_output", "ffn_up", "ffn_down"]
STEPS = 10

TINY = {"layers": 2, "width": 32, "heads": 4, "ffn": 64, "vocabulary": 60, "positions": 64, "spread": 0.35}

# Options as a grid file names them; the spread is that of the given tensors (base weights start where they are).
TINY_METHODS = {
    "full": ("full", {}, 0, 1e-3),
    "head": ("head", {}, 0, 1e-2),
    "top_layers": ("top_layers", {"layers": 1}, 0, 2e-3),
    "lora": ("lora", {"rank": 4, "alpha": 8.0, "targets": ["query", "value"]}, 0.3, 5e-3),
    "lora_all": ("lora", {"rank": 2, "alpha": 3.0, "targets": ALL_TARGETS}, 0.3, 5e-3),
    "bitfit": ("bitfit", {"biases": ["all"]}, 0, 5e-3),
    "pfeiffer": ("pfeiffer", {"reduction": 4}, 0.3, 5e-3),
    "prefix": ("prefix", {"length": 5}, 1.0, 1e-2),
    "prompt": ("prompt", {"length": 4}, 0.5, 1e-2),
}
MINILM_METHODS = {
    "full": ("full", {}, 0, 2e-5),
    "head": ("head", {}, 0, 1e-3),
    "lora": ("lora", {"rank": 8, "alpha": 16.0, "targets": ["query", "value"]}, 0.05, 1e-3),
    "bitfit": ("bitfit", {"biases": ["all"]}, 0, 1e-3),
    "pfeiffer": ("pfeiffer", {"reduction": 16}, 0.05, 1e-3),
    "prefix": ("prefix", {"length": 10}, 1.0, 1e-3),
    "prompt": ("prompt", {"length": 10}, 0.1, 1e-3),
}
ADAPTERS_LIBRARY = {"pfeiffer", "prefix"}  # their reference is adapters; that of the others transformers and peft

SENTENCES = [
    ("the film is a delight from its first minute to its last .", None, 1),
    ("dull , overlong and curiously lifeless", None, 0),
    ("A man is playing a guitar on stage.", "Someone performs music in front of people.", 1),
    ("Interest rates rose again.", "The central bank left its rates where they were, to most people's surprise.", 0),
    ("unforgettable", None, 1),
    ("It could have been worse, though I cannot think how; the plot, such as it is, gives up half way.", None, 0),
]


def case(base, label, methods, readout, **more):
    method, options, spread, rate = methods[label]
    name = "/".join([base, label, readout, *more.pop("marks", [])])
    return {"name": name, "base": base, "method": method, "options": options, "spread": spread, "readout": readout,
            "learning_rate": rate, "activation": "gelu", "pooler": True, "kind": "classification", "outputs": 3} | more


def all_cases():
    cases = [case("tiny", label, TINY_METHODS, readout) for label in TINY_METHODS for readout in READOUTS]
    lora = lambda readout, mark, **more: case("tiny", "lora_all", TINY_METHODS, readout, marks=[mark], **more)
    cases += [
        lora("pooler", "regression", kind="regression", outputs=1),
        lora("pooler", "standardized", kind="regression", outputs=1, targets="standardized"),
        case("tiny", "full", TINY_METHODS, "pooler", marks=["regression"], kind="regression", outputs=1),
        lora("mean", "gelu_new", activation="gelu_new"),
        lora("cls", "relu", activation="relu"),
        lora("pooler", "new_pooler", pooler=False),
    ]
    cases += [case("minilm", label, MINILM_METHODS, "mean", outputs=2) for label in MINILM_METHODS]
    cases.append(case("minilm", "lora", MINILM_METHODS, "pooler", outputs=2))
    return cases


def with_targets(case, rows):
    """What a regression's case learns of its rows: their values, or these standardised by all of them."""
    values = np.array([row["value"] for row in rows])
    if case.get("targets") == "standardized":
        values = (values - values.mean()) / values.std()
    return [row | {"target": float(value)} for row, value in zip(rows, values)]


def tiny_rows():
    """Single texts and pairs of unlike lengths."""
    rows = []
    for index, (length, second) in enumerate([(9, 5), (4, 4), (17, 17), (3, 3), (12, 7), (6, 6), (23, 10), (8, 8)]):
        inner = [int(w % 55) + 5 for w in words(f"row/{index}", length - 2)]
        types = [0] * second + [1] * (length - second)
        rows.append({"ids": [2, *inner, 3], "types": types, "label": index * 2 % 3, "value": 0.5 * index - 1.25})
    return rows


def minilm_rows(tokenizer):
    rows = []
    for index, (first, second, label) in enumerate(SENTENCES):
        encoded = tokenizer(first, second)
        rows.append({"ids": encoded["input_ids"], "types": encoded["token_type_ids"], "label": label,
                     "value": 0.5 * index})
    return rows
