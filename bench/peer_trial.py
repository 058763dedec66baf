"""What a user would otherwise run: one trial by transformers with peft or adapters, in a process of its own. Prints one
JSON line.

Readout (mean over real tokens, or the first one through the pooler), dropout, linear head; AdamW, linear schedule,
clipping; batches padded to their longest row; one thread.
Use: peer_trial.py --model FOLDER --train train.tsv --test test.tsv --method lora [--precision bf16]
     [--readout pooler] ...
"""

import argparse
import contextlib
import json
import random
import time

import torch
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup


def by_peft(base, method):
    """Configurations with beside_peft.py's numbers."""
    import peft

    kind = {"task_type": "FEATURE_EXTRACTION"}
    low_rank = {"r": 8, "lora_alpha": 16, "target_modules": ["query", "value"]}
    configs = {
        "lora": lambda: peft.LoraConfig(lora_dropout=0.1, **low_rank),
        "dora": lambda: peft.LoraConfig(use_dora=True, **low_rank),
        "dora with dropout": lambda: peft.LoraConfig(use_dora=True, lora_dropout=0.1, **low_rank),
        "ia3": lambda: peft.IA3Config(
            target_modules=r".*\.layer\.\d+\.(attention\.self\.(key|value)|output\.dense)",
            feedforward_modules=r".*\.layer\.\d+\.output\.dense"),
        "norms": lambda: peft.LNTuningConfig(target_modules=["LayerNorm"]),
        "prefix": lambda: peft.PrefixTuningConfig(num_virtual_tokens=10, **kind),
        "prefix by a network": lambda: peft.PrefixTuningConfig(
            num_virtual_tokens=10, prefix_projection=True, encoder_hidden_size=512, **kind),
        "ptuning_v2": lambda: peft.PrefixTuningConfig(num_virtual_tokens=20, **kind),
        "prompt": lambda: peft.PromptTuningConfig(num_virtual_tokens=10, **kind),
        "ptuning by LSTM": lambda: peft.PromptEncoderConfig(
            num_virtual_tokens=20, encoder_reparameterization_type="LSTM", encoder_dropout=0.0, **kind),
        "ptuning by MLP": lambda: peft.PromptEncoderConfig(
            num_virtual_tokens=20, encoder_reparameterization_type="MLP", **kind),
    }
    return peft.get_peft_model(base, configs[method]())


def by_adapters(base, method):
    """AdapterHub's configurations of these names, with beside_peft.py's numbers."""
    import adapters

    configs = {
        "pfeiffer": lambda: adapters.SeqBnConfig(),
        "houlsby": lambda: adapters.DoubleSeqBnConfig(non_linearity="relu", reduction_factor=6),
        "parallel_adapter": lambda: adapters.ParBnConfig(),
        "mam": lambda: adapters.MAMConfig(),
        "unipelt": lambda: adapters.UniPELTConfig(adapters.PrefixTuningConfig(prefix_length=10)),
    }
    adapters.init(base)
    base.add_adapter("trained", config=configs[method]())
    base.train_adapter("trained")
    return base


def trains(method, name, layers):
    """Whether a method without modules of its own trains this tensor of the base."""
    if method == "top_layers":
        return any(f"layer.{layer}." in name for layer in range(layers - 2, layers))
    return {"full": True, "head": False, "bitfit": name.endswith(".bias"),
            "norms_and_biases": name.endswith(".bias") or "LayerNorm" in name}[method]


class Classifier(torch.nn.Module):
    """Base, readout, dropout, linear layer."""

    def __init__(self, folder, method, library, readout):
        super().__init__()
        self.pools = readout == "pooler"
        base = AutoModel.from_pretrained(folder, add_pooling_layer=self.pools)
        self.frozen_whole = method == "head"
        if library == "peft":
            base = by_peft(base, method)
        elif library == "adapters":
            base = by_adapters(base, method)
        else:
            for name, tensor in base.named_parameters():
                tensor.requires_grad_(trains(method, name, base.config.num_hidden_layers))
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
    """Over the text's tokens; peft's prompts stand ahead of them."""
    hidden = hidden[:, -batch["attention_mask"].shape[1]:]
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
    parser.add_argument("--library", default="transformers", choices=["transformers", "peft", "adapters"])
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
    model = Classifier(o.model, o.method, o.library, o.readout).to(o.device)
    decay = [p for n, p in model.named_parameters() if p.requires_grad and not n.endswith("bias") and "LayerNorm" not in n]
    spared = [p for n, p in model.named_parameters() if p.requires_grad and (n.endswith("bias") or "LayerNorm" in n)]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=o.rate)
    steps = o.epochs * ((len(train) + 15) // 16)
    schedule = get_linear_schedule_with_warmup(optimizer, round(0.06 * steps + 0.5), steps)
    low = torch.autocast(o.device, torch.bfloat16) if o.precision == "bf16" else contextlib.nullcontext()
    clock = time.process_time if o.device == "cpu" else time.perf_counter
    order, draw, tokens = list(range(len(train))), random.Random(o.seed), 0
    begin = clock()
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
    training_s = clock() - begin
    model.eval()
    right = 0
    with torch.no_grad(), low:
        for at in range(0, len(test), 32):
            decided = model(tokenizer.pad(test[at : at + 32], return_tensors="pt").to(o.device)).argmax(-1).cpu()
            right += int((decided == torch.tensor(test_labels[at : at + 32])).sum())
    print(json.dumps({"training_s": training_s, "tokens": tokens, "accuracy": right / len(test)}))


if __name__ == "__main__":
    main()
