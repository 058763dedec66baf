#!/usr/bin/env python3
"""Does an untrained decoder choose and predict here what it does in transformers? Row by row, in float32 on the CPU.

    environment=$(tests/golden/environment.sh)
    cd tests/golden
    $environment/a/bin/python zero_shot.py --orchestrator ../../build/orchestrator --model ../../.deps/smollm2-135m \\
        --data FOLDER

FOLDER has COPA and CommonsenseQA, each with train.tsv and dev.tsv; quickstart.sh leaves the sentences. Needs h5dump.
A row may differ where the two best choices are within 1e-5 of each other, the perplexity by 1e-4 of itself.
"""
import argparse
import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.pop(0)  # its statistics.py would hide Python's own

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

MAX_LENGTH = 256
BATCH_TOKENS = 1024
SENTENCES = 50
CLOSE_CHOICES = 1e-5
CLOSE_PERPLEXITY = 1e-4
CHOICE_TASKS = {
    "copa": {"folder": "COPA", "text": ["premise", "question"], "choices": ["choice1", "choice2"]},
    "csqa": {"folder": "CommonsenseQA", "text": ["question"], "choices": ["A", "B", "C", "D", "E"]},
}


def read_rows(file, delimiter="\t"):
    """A header and rows of one column name to text each; tabs are never quoted."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter, quoting=quoting))


def write_files(data, sentences, folder):
    """The files that the grid names: train.tsv as it is, train.tsv and dev.tsv under one header, the sentences."""
    for name, task in CHOICE_TASKS.items():
        train, dev = ((data / task["folder"] / part).read_text(encoding="utf-8") for part in ("train.tsv", "dev.tsv"))
        header, rows = dev.split("\n", 1)
        if not train.startswith(header + "\n"):
            sys.exit(f"{task['folder']}: train.tsv and dev.tsv have different columns")
        (folder / f"{name}_train.tsv").write_text(train, encoding="utf-8")
        (folder / f"{name}_all.tsv").write_text(train.rstrip("\n") + "\n" + rows, encoding="utf-8")
    with open(folder / "sentences.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["text"]] + [[text] for text in sentences])


def write_grid(model, folder):
    """A grid of one untrained trial a task; JSON is YAML."""
    tasks = [{"name": name, "kind": "choice", "train": f"{name}_train.tsv", "test": f"{name}_all.tsv",
              "text": task["text"], "choices": task["choices"], "label": "label"} for name, task in CHOICE_TASKS.items()]
    tasks.append({"name": "sentences", "kind": "language_model", "train": "sentences.csv", "test": "sentences.csv",
                  "template": "{text}"})
    grid = {"run": "zero-shot", "backbones": [{"name": "model", "path": str(model)}], "tasks": tasks, "methods": ["none"],
            "train_sizes": [SENTENCES], "selection": "none", "seeds": [1], "training": {"max_length": MAX_LENGTH}}
    (folder / "grid.yaml").write_text(json.dumps(grid, indent=1), encoding="utf-8")


def our_predictions(orchestrator, folder, task):
    """(label, prediction) of each test row, from the one trial file of a run of that task alone; and its seconds."""
    run = folder / task
    begin = time.monotonic()
    subprocess.run([orchestrator, "--grid", folder / "grid.yaml", "--only", f"task={task}", "--out", run], check=True,
                   stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    [trial] = (run / "trials").glob("*.h5")
    dump = subprocess.run(["h5dump", "-m", "%.17g", "-d", f"/trials/{trial.stem}/predictions", trial], check=True,
                          capture_output=True, text=True).stdout
    rows = re.findall(r"\{\s*([^\s,{]+),\s*([^\s,}]+)\s*\}", dump)
    return [(float(label), float(value)) for label, value in rows], seconds


class Reference:
    """transformers' model: log-probabilities of the tokens of a text."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def told(self, texts, starts):
        """For each text the log-probabilities, in float64, of those tokens behind the first that end beyond its start."""
        encoded = self.tokenizer(texts, return_offsets_mapping=True)
        ids = encoded["input_ids"]
        if max(map(len, ids)) > MAX_LENGTH:
            sys.exit(f"a text has more than {MAX_LENGTH} tokens")
        places = [[at for at, (_, end) in enumerate(offsets) if at > 0 and end > start]
                  for offsets, start in zip(encoded["offset_mapping"], starts)]
        found = [None] * len(texts)
        for rows in self.batches(ids):
            width = len(ids[rows[-1]])
            padded = torch.zeros(len(rows), width, dtype=torch.long)
            mask = torch.zeros(len(rows), width, dtype=torch.long)
            for line, row in enumerate(rows):
                padded[line, :len(ids[row])] = torch.tensor(ids[row])
                mask[line, :len(ids[row])] = 1
            with torch.inference_mode():
                hidden = self.model.model(input_ids=padded, attention_mask=mask).last_hidden_state
                for line, row in enumerate(rows):
                    at = torch.tensor(places[row])
                    logits = self.model.lm_head(hidden[line, at - 1]).contiguous()
                    every = torch.log_softmax(logits, dim=-1)
                    found[row] = every.gather(1, padded[line, at].unsqueeze(1)).squeeze(1).double()
        return found

    @staticmethod
    def batches(ids):
        """Rows of like length, at most BATCH_TOKENS with their padding; the longest comes last."""
        batch = []
        for row in sorted(range(len(ids)), key=lambda row: len(ids[row])):
            if batch and (len(batch) + 1) * len(ids[row]) > BATCH_TOKENS:
                yield batch
                batch = []
            batch.append(row)
        yield batch


def choice_scores(reference, rows, task):
    """For each row its choices' mean log-probabilities after the text columns, which one blank joins."""
    texts, starts = [], []
    for row in rows:
        context = " ".join(row[column] for column in task["text"])
        for choice in task["choices"]:
            texts.append(context + " " + row[choice])
            starts.append(len(context))
    means = [float(values.mean()) for values in reference.told(texts, starts)]
    count = len(task["choices"])
    return [means[at:at + count] for at in range(0, len(means), count)]


def right_choice(row, task):
    """The label names the choice's column, or counts the choices from 0."""
    return task["choices"].index(row["label"]) if row["label"] in task["choices"] else int(row["label"])


def compare_choices(name, rows, ours, scores):
    """Prints how many rows agree, and each that does not; whether none of these has a gap that rounding cannot cross."""
    labels = [right_choice(row, CHOICE_TASKS[name]) for row in rows]
    if [label for label, _ in ours] != labels:
        print(f"{name}: the trial's labels are not those of the file")
        return False
    theirs = [max(range(len(row)), key=row.__getitem__) for row in scores]
    apart = [at for at, (_, chosen) in enumerate(ours) if chosen != theirs[at]]
    print(f"{name}: {len(rows) - len(apart)} of {len(rows)} rows agree")
    sound = True
    for at in apart:
        best, second = sorted(scores[at], reverse=True)[:2]
        sound = sound and best - second <= CLOSE_CHOICES
        print(f"  row {at}: here {ours[at][1]:.0f}, there {theirs[at]}, gap there {best - second:.3g}")
    gaps = sorted(best - second for best, second in (sorted(row, reverse=True)[:2] for row in scores))
    apart_gaps = [gap for gap in gaps if gap > 0]
    print(f"  the two best tie there in {len(gaps) - len(apart_gaps)} rows; smallest gap of the others {apart_gaps[0]:.2g}")
    here = sum(label == chosen for label, chosen in ours) / len(rows)
    there = sum(label == chosen for label, chosen in zip(labels, theirs)) / len(rows)
    print(f"  accuracy here {here:.4f}, there {there:.4f}")
    return sound


def compare_sentences(ours, told):
    """Prints both perplexities; whether they are close and count the same tokens."""
    if [count for count, _ in ours] != [len(values) for values in told]:
        print("sentences: the trial counts other tokens")
        return False
    tokens = sum(count for count, _ in ours)
    here = math.exp(sum(loss for _, loss in ours) / tokens)
    there = math.exp(-sum(float(values.sum()) for values in told) / tokens)
    worst = max(abs(loss + float(values.sum())) / loss for (_, loss), values in zip(ours, told))
    print(f"sentences: perplexity of {tokens:.0f} tokens here {here:.6f}, there {there:.6f}, "
          f"relative difference {abs(here - there) / there:.2g}; worst row's loss {worst:.2g}")
    return abs(here - there) <= CLOSE_PERPLEXITY * there


def main():
    parser = argparse.ArgumentParser()
    for name in ("orchestrator", "model", "data"):
        parser.add_argument("--" + name, required=True, type=lambda text: pathlib.Path(text).resolve())
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    quickstart = HERE.parent.parent / ".deps/quickstart/short_test.csv"
    sentences = [row["text"] for row in read_rows(quickstart, ",")[:SENTENCES]]
    reference = Reference(options.model)
    sound = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_files(options.data, sentences, folder)
        write_grid(options.model, folder)
        for task in (*CHOICE_TASKS, "sentences"):
            ours, seconds = our_predictions(options.orchestrator, folder, task)
            begin = time.monotonic()
            if task == "sentences":
                told = reference.told(sentences, [-1] * len(sentences))
                sound.append(compare_sentences(ours, told))
            else:
                rows = read_rows(folder / f"{task}_all.tsv")
                sound.append(compare_choices(task, rows, ours, choice_scores(reference, rows, CHOICE_TASKS[task])))
            print(f"  {seconds:.1f} s here, {time.monotonic() - begin:.1f} s there", flush=True)
    sys.exit(0 if all(sound) else 1)


if __name__ == "__main__":
    main()
