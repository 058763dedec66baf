#!/usr/bin/env python3
"""Training a decoder beside transformers + peft, interleaved, one core each, in processor seconds: tokens a second,
ratios. 128 rows of 32 to 128 tokens, batches of 16, eight steps; a classifier, or a language model with the loss on its
answer, a row's last quarter. The peer draws its rows in random order; with --grouped it has batches of like lengths
besides.

Use: bench/beside_peft_decoder.py --data FOLDER_WITH_SST-2 --python PYTHON_WITH_PEFT [--model FOLDER] [--rounds 2]
     [--methods lora,ia3,full] [--precision fp32] [--kind classification] [--grouped]
examples/smollm2.sh makes the folder, tests/golden/environment.sh the Python (a).
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TASKS = {"classification": "text: sentence, label: label",
         "language_model": 'kind: language_model, template: "{prompt} {answer}"'}
METHODS = {"lora": "lora: {rank: 8, alpha: 16, dropout: 0.1}", "ia3": "ia3", "full": "full"}
WRITE_ROWS = """
import random, sys
from transformers import AutoTokenizer
model, source, target = sys.argv[1:]
tokenizer, draw = AutoTokenizer.from_pretrained(model), random.Random(0)
words = " ".join(line.split("\\t")[0] for line in open(source, encoding="utf-8").read().splitlines()[1:20000]).split()
with open(target, "w", encoding="utf-8") as out:
    out.write("sentence\\tprompt\\tanswer\\tlabel\\n")
    for row in range(128):
        begin = draw.randrange(len(words) - 200)
        ids = tokenizer(" ".join(words[begin:begin + 160]))["input_ids"][:draw.randint(32, 128)]
        text = tokenizer.decode(ids).strip().split()
        told = len(text) - max(1, len(text) // 4)
        out.write("\\t".join([" ".join(text), " ".join(text[:told]), " ".join(text[told:]), str(row % 2)]) + "\\n")
"""


def prepare(options, folder):
    subprocess.run([options.python, "-c", WRITE_ROWS, options.model, Path(options.data) / "SST-2/train.tsv",
                    folder / "train.tsv"], check=True)
    rows = (folder / "train.tsv").read_text(encoding="utf-8").splitlines()
    (folder / "test.tsv").write_text("\n".join(rows[:3]) + "\n", encoding="utf-8")
    for method, text in METHODS.items():
        (folder / f"{method}.yaml").write_text(
            f"run: bench\nbackbones: [{{name: base, path: {options.model}}}]\n"
            f"tasks: [{{name: rows, train: train.tsv, test: test.tsv, {TASKS[options.kind]}}}]\n"
            f"methods:\n  - {METHODS[method]}\ntrain_sizes: [all]\nseeds: 1\nselection: none\n"
            f"precision: {options.precision}\ntraining: {{epochs: 1, batch_size: 16, max_length: 128}}\n")


def ours(folder, method, turn):
    out = folder / f"{method}-{turn}"
    subprocess.run([ROOT / "build/orchestrator", "--grid", folder / f"{method}.yaml", "--out", out, "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    trial, = csv.DictReader(open(out / "report/trials.csv"))
    share = float(trial["cpu_s"]) / float(trial["total_s"])  # one thread spends processor seconds evenly
    return float(trial["training_s"]) * share, int(trial["training_tokens"]), int(trial["peak_memory_bytes"]) / 2**30


def theirs(options, folder, method, grouped):
    command = [options.python, ROOT / "bench/decoder_peer.py", "--model", options.model, "--train", folder / "train.tsv",
               "--method", method, "--precision", options.precision, "--kind", options.kind, *(["--grouped"] if grouped else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["training_s"], found["tokens"], found["peak_gb"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--model", default=ROOT / ".deps/smollm2-135m")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--methods", default="lora,ia3,full")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--kind", default="classification", choices=TASKS)
    parser.add_argument("--grouped", action="store_true")
    options = parser.parse_args()
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(options, folder)
        for method in options.methods.split(","):
            runs = [(ours(folder, method, turn), theirs(options, folder, method, False)) for turn in range(options.rounds)]
            speed = lambda found: statistics.median(tokens / seconds for seconds, tokens, _ in found)
            mine, peer = [one for one, _ in runs], [other for _, other in runs]
            ratio = statistics.median(other[0] / one[0] for one, other in runs)
            line = (f"{options.kind}, {method} {options.precision}: ours {speed(mine):.0f} tokens/s, {mine[0][2]:.1f} GB; transformers + peft "
                    f"{speed(peer):.0f} tokens/s, {peer[0][2]:.1f} GB; ratio {ratio:.2f}")
            if options.grouped:
                grouped = theirs(options, folder, method, True)
                line += f"; grouped by length {grouped[1] / grouped[0]:.0f} tokens/s"
            print(line, flush=True)


if __name__ == "__main__":
    main()
