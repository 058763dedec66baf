"""The cases of the first eight methods on BERT: transformers.json and adapters.json. Later ones: more_cases.py."""
from golden_bases import PRODUCTS

READOUTS = ["pooler", "cls", "mean", "last"]
STEPS = 10

# Options as a grid file names them; the spread is that of the given tensors (base weights start where they are).
TINY_METHODS = {
    "full": ("full", {}, 0, 1e-3),
    "head": ("head", {}, 0, 1e-2),
    "top_layers": ("top_layers", {"layers": 1}, 0, 2e-3),
    "lora": ("lora", {"rank": 4, "alpha": 8.0, "targets": ["query", "value"]}, 0.3, 5e-3),
    "lora_all": ("lora", {"rank": 2, "alpha": 3.0, "targets": PRODUCTS}, 0.3, 5e-3),
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


def case(base, label, methods, readout, **more):
    method, options, spread, rate = methods[label]
    name = "/".join([base, label, readout, *more.pop("marks", [])])
    return {"name": name, "base": base, "method": method, "options": options, "spread": spread, "readout": readout,
            "learning_rate": rate, "activation": "gelu", "pooler": True, "kind": "classification", "outputs": 3} | more


def first_cases(library):
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
    return [one for one in cases if (one["method"] in ADAPTERS_LIBRARY) == (library == "adapters")]
