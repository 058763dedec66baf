"""What a user would otherwise run: one trial by transformers + peft, in a process of its own. Prints one JSON line.

Readout (mean over real tokens, or the first one through the pooler), dropout, linear head; AdamW, linear schedule,
clipping; batches padded to their longest row; one thread.
Use: peft_reference.py --model FOLDER --train train.tsv --test test.tsv --method lora [--precision bf16]
     [--readout pooler] ...
"""

import argparse
import contextlib
import json
import random
import time

import torch
from peft import LoraConfig, PrefixTuningConfig, get_peft_model
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup


class Classifier(torch.nn.Module):
    """Base, readout, dropout, linear layer."""

    def __init__(self, folder, method, readout):
        super().__init__()
        self.pools = readout == "pooler"
        base = AutoModel.from_pretrained(folder, add_pooling_layer=self.pools)
        self.frozen_whole = method == "head"
        if method == "lora":
            base = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["query", "value"]))
        elif method == "prefix":
            base = get_peft_model(base, PrefixTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=10))
        elif method != "full":
            for name, tensor in base.named_parameters():
                tensor.requires_grad_(method == "bitfit" and name.endswith(".bias"))
        self.base = base
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(base.config.hidden_size, 2)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen_whole:
            self.base.eval()
        return self

    def forward(self, batch):
        with torch.no_grad() if self.frozen_whole else contextlib.nullcontext():
            out = self.base(**batch)
        return self.head(self.dropout(out.pooler_output if self.pools else mean(out.last_hidden_state, batch)))


def mean(hidden, batch):
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def read(file, tokenizer, max_length):
    rows = [line.rstrip("\n").split("\t") for line in open(file, encoding="utf-8")][1:]
    encoded = [tokenizer(text, truncation=True, max_length=max_length) for text, _ in rows]
    return encoded, [int(label) for _, label in rows]


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "train", "test", "method"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--readout", default="mean", choices=["mean", "pooler"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(o.seed)
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    train, labels = read(o.train, tokenizer, 128)
    test, test_labels = read(o.test, tokenizer, 128)
    model = Classifier(o.model, o.method, o.readout).to(o.device)
    decay = [p for n, p in model.named_parameters() if p.requires_grad and not n.endswith("bias") and "LayerNorm" not in n]
    spared = [p for n, p in model.named_parameters() if p.requires_grad and (n.endswith("bias") or "LayerNorm" in n)]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=o.rate)
    steps = o.epochs * ((len(train) + 15) // 16)
    schedule = get_linear_schedule_with_warmup(optimizer, round(0.06 * steps + 0.5), steps)
    low = torch.autocast(o.device, torch.bfloat16) if o.precision == "bf16" else contextlib.nullcontext()
    order, draw, tokens = list(range(len(train))), random.Random(o.seed), 0
    begin = time.perf_counter()
    model.train()
    for _ in range(o.epochs):
        draw.shuffle(order)
        for at in range(0, len(order), 16):
            rows = order[at : at + 16]
            batch = tokenizer.pad([train[r] for r in rows], return_tensors="pt").to(o.device)
            tokens += int(batch["attention_mask"].sum())
            with low:
                loss = torch.nn.functional.cross_entropy(
                    model(batch), torch.tensor([labels[r] for r in rows], device=o.device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(decay + spared, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    if o.device == "cuda":
        torch.cuda.synchronize()
    training_s = time.perf_counter() - begin
    model.eval()
    right = 0
    with torch.no_grad(), low:
        for at in range(0, len(test), 32):
            decided = model(tokenizer.pad(test[at : at + 32], return_tensors="pt").to(o.device)).argmax(-1).cpu()
            right += int((decided == torch.tensor(test_labels[at : at + 32])).sum())
    print(json.dumps({"training_s": training_s, "tokens": tokens, "accuracy": right / len(test)}))


if __name__ == "__main__":
    main()
