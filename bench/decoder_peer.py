"""What a user would otherwise run on a decoder: transformers' class for sequence classification with peft, one thread,
batches padded to their longest row. Prints one JSON line.

Use: decoder_peer.py --model FOLDER --train train.tsv --method lora [--precision bf16] [--grouped]
"""

import argparse
import contextlib
import json
import random
import resource
import time

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup


def with_method(model, method):
    import peft

    if method == "lora":
        config = peft.LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["q_proj", "v_proj"],
                                 task_type="SEQ_CLS")
    elif method == "ia3":
        config = peft.IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"],
                                task_type="SEQ_CLS")
    else:
        return model
    return peft.get_peft_model(model, config)


def batches(lengths, draw, grouped):
    """Of 16 rows in random order; `grouped`: of rows of like length, as Trainer's group_by_length has them."""
    order = list(range(len(lengths)))
    draw.shuffle(order)
    if grouped:
        order.sort(key=lambda row: lengths[row])
    found = [order[at:at + 16] for at in range(0, len(order), 16)]
    draw.shuffle(found)
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "train", "method"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--grouped", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    rows = [line.rstrip("\n").split("\t") for line in open(o.train, encoding="utf-8")][1:]
    encoded = [tokenizer(text, truncation=True, max_length=128) for text, _ in rows]
    labels = [int(label) for _, label in rows]
    model = AutoModelForSequenceClassification.from_pretrained(o.model, num_labels=2, dtype=torch.float32)
    model = with_method(model, o.method)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=o.rate, weight_decay=0.01)
    plan = batches([len(row["input_ids"]) for row in encoded], random.Random(1), o.grouped)
    schedule = get_linear_schedule_with_warmup(optimizer, 1, len(plan))
    low = torch.autocast("cpu", torch.bfloat16) if o.precision == "bf16" else contextlib.nullcontext()
    model.train()
    begin, tokens = time.process_time(), 0
    for chosen in plan:
        batch = tokenizer.pad([encoded[row] for row in chosen], return_tensors="pt")
        tokens += int(batch["attention_mask"].sum())
        with low:
            loss = model(**batch, labels=torch.tensor([labels[row] for row in chosen])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print(json.dumps({"training_s": time.process_time() - begin, "tokens": tokens,
                      "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))


if __name__ == "__main__":
    main()
