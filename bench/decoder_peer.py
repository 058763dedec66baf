"""What a user would otherwise run on a decoder: transformers' class for sequence classification, or for causal language
modelling, with peft, one thread, batches padded to their longest row. Prints one JSON line.

Use: decoder_peer.py --model FOLDER --train train.tsv --method lora [--kind language_model] [--precision bf16] [--grouped]
"""

import argparse
import contextlib
import json
import random
import resource
import time

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup


def with_method(model, method, kind):
    import peft

    task = "SEQ_CLS" if kind == "classification" else "CAUSAL_LM"
    if method == "lora":
        config = peft.LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["q_proj", "v_proj"],
                                 task_type=task)
    elif method == "ia3":
        config = peft.IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"],
                                task_type=task)
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


def told(encoded, prompt):
    """A row's labels for causal language modelling: its tokens, but for those of the prompt."""
    return [id if end > len(prompt) else -100 for id, (_, end) in zip(encoded["input_ids"], encoded["offset_mapping"])]


def labels_of(kind, rows, encoded, chosen, width):
    """Classes, or tokens padded as the batch is, on the right."""
    if kind == "classification":
        return torch.tensor([int(rows[row][3]) for row in chosen])
    labels = torch.full((len(chosen), width), -100)
    for line, row in enumerate(chosen):
        own = told(encoded[row], rows[row][1])
        labels[line, :len(own)] = torch.tensor(own)
    return labels


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "train", "method"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--kind", default="classification")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--grouped", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    rows = [line.rstrip("\n").split("\t") for line in open(o.train, encoding="utf-8")][1:]
    tokenizer.padding_side = "right"
    encoded = [tokenizer(row[0], truncation=True, max_length=128, return_offsets_mapping=True) for row in rows]
    if o.kind == "classification":
        model = AutoModelForSequenceClassification.from_pretrained(o.model, num_labels=2, dtype=torch.float32)
    else:
        model = AutoModelForCausalLM.from_pretrained(o.model, dtype=torch.float32)
    model = with_method(model, o.method, o.kind)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=o.rate, weight_decay=0.01)
    plan = batches([len(row["input_ids"]) for row in encoded], random.Random(1), o.grouped)
    schedule = get_linear_schedule_with_warmup(optimizer, 1, len(plan))
    low = torch.autocast("cpu", torch.bfloat16) if o.precision == "bf16" else contextlib.nullcontext()
    model.train()
    begin, tokens = time.process_time(), 0
    for chosen in plan:
        inputs = [{name: encoded[row][name] for name in ("input_ids", "attention_mask")} for row in chosen]
        batch = tokenizer.pad(inputs, return_tensors="pt")
        tokens += int(batch["attention_mask"].sum())
        with low:
            loss = model(**batch, labels=labels_of(o.kind, rows, encoded, chosen, batch["input_ids"].shape[1])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print(json.dumps({"training_s": time.process_time() - begin, "tokens": tokens,
                      "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))


if __name__ == "__main__":
    main()
