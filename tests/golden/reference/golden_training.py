"""Ten steps as a trial takes them: AdamW, warm-up, clipping, and what differs by tensor."""
import torch
import transformers

from golden_bases import is_norm
from golden_cases import STEPS

WARMUP = 2
UNDECAYED = ("bias_change", "scale_change", "shift_change", "magnitude", "gate")  # a weight of a gate's is no gate


def decays(name):
    last = name.rsplit(".", 1)[-1]
    return not last.startswith("bias") and last not in UNDECAYED and not is_norm(name)


def train(case, reference, rows):
    """The rows' two halves in turn, as TrainingSpec's defaults with warm-up. LoRA+ (Hayou et al., ICML 2024, arXiv
    2402.12354): B's rate is a multiple of all others', and so is its decay, which AdamW multiplies by the rate."""
    ratio = case["options"].get("b_rate_ratio", 1.0)
    groups = {}  # by decay and rate; a parameter that several parts view comes once
    for name, part in reference.parts.items():
        key = decays(name), ratio if name.endswith(".lora_B") else 1.0
        groups.setdefault(key, {})[id(part.parameter)] = part.parameter
    optimizer = torch.optim.AdamW(
        [{"params": list(group.values()), "weight_decay": 0.01 if decay else 0.0, "lr": rate * case["learning_rate"]}
         for (decay, rate), group in sorted(groups.items(), reverse=True)],
        lr=case["learning_rate"], betas=(0.9, 0.999), eps=1e-8)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses, half = [], len(rows) // 2
    for step in range(STEPS):
        loss = reference.loss(rows[:half] if step % 2 == 0 else rows[half:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
