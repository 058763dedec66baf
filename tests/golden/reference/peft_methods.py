"""Methods of peft that change products or scale activations."""
import re
import types

import torch

from golden_reference import Part


def by_sites(reference, sites):
    """peft's `target_modules` for our sites, no other module of the same last name among them."""
    modules = "|".join(re.escape(reference.base.sites[site]) for site in sites)
    return rf"{re.escape(reference.base.layers)}\.\d+\.({modules})"


def low_rank(reference, rank, alpha, targets, scaling="rank", **more):
    """Puts peft's LoRA on; the parts, and the layers that hold them by our names."""
    from peft import LoraConfig, get_peft_model

    targets = reference.base.products if targets == ["all"] else targets
    get_peft_model(reference.model, LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, use_rslora=scaling == "sqrt_rank",
        target_modules=by_sites(reference, targets), **more))
    layers = {f"layer.{layer}.{target}": reference.site(layer, target)
              for layer in range(reference.depth()) for target in targets}
    parts = {}
    for name, module in layers.items():
        parts[name + ".lora_A"] = Part(module.lora_A["default"].weight)
        parts[name + ".lora_B"] = Part(module.lora_B["default"].weight)
    return parts, layers


def shared_lora(reference, rank, alpha, targets):
    """GPT-2's own fused matrix, which peft adapts as one."""
    from peft import LoraConfig, get_peft_model

    assert targets == ["query", "key", "value"]
    for layer in range(reference.depth()):
        attention = reference.model.get_submodule(f"{reference.base.layers}.{layer}.attn")
        attention.c_attn = attention.c_attn.joined()
    get_peft_model(reference.model, LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=r".*attn\.c_attn"))
    parts = {}
    for layer in range(reference.depth()):
        module = reference.model.get_submodule(f"{reference.base.layers}.{layer}.attn.c_attn")
        parts[f"layer.{layer}.query_key_value.lora_A"] = Part(module.lora_A["default"].weight)
        parts[f"layer.{layer}.query_key_value.lora_B"] = Part(module.lora_B["default"].weight)
    return parts


def lora(reference, init="standard", b_rate_ratio=1.0, pairs="separate", **options):
    """`b_rate_ratio` is the optimizer's (golden_training.py)."""
    if pairs == "shared":
        return shared_lora(reference, **options)
    if init == "standard":
        return low_rank(reference, **options)[0]
    return pissa(reference, **options)


def pissa(reference, **options):
    """A and B start at A0 and B0, which peft takes from the base's weight; we keep both and give changes of them. What
    is left of the weight is taken anew in float64: peft rounds it to float32."""
    weights = {name: p.detach().double() for name, p in reference.model.named_parameters()}
    parts, layers = low_rank(reference, **options, init_lora_weights="pissa")
    starts = {name: part.parameter.detach().double() for name, part in parts.items()}
    for name, module in layers.items():
        layer, site = name.split(".")[1:]
        whole = weights[reference.base.module(int(layer), site) + ".weight"]
        rest = whole - module.scaling["default"] * starts[name + ".lora_B"] @ starts[name + ".lora_A"]
        torch.testing.assert_close(rest.float(), module.base_layer.weight)
        module.base_layer.weight.data = rest
    return {name: Part(part.parameter, start=starts[name]) for name, part in parts.items()}


def dora(reference, base_dropout="no", **options):
    """`base_dropout` says what dropout acts on, and golden cases have none."""
    parts, layers = low_rank(reference, **options, use_dora=True)
    for name, module in layers.items():
        parts[name + ".magnitude"] = Part(module.lora_magnitude_vector["default"].weight)
    return parts


def ia3(reference, placement="paper"):
    """One of peft's own targets for BERT is the suffix `output.dense`, which attention's output product has, too: what
    goes into it is our attention_core. Named modules give the paper's placement."""
    from peft import IA3Config, get_peft_model

    ours, modules = {"key": "key", "value": "value", "ffn_down": "ffn_hidden"}, {}
    if placement == "paper":
        modules["target_modules"] = by_sites(reference, ours)
        modules["feedforward_modules"] = by_sites(reference, ["ffn_down"])
    elif reference.base.decoder:
        if reference.base.family == "GPT2":  # its fused matrix is one of peft's targets
            ours["query"] = "query"
        modules["target_modules"] = by_sites(reference, ours)
        modules["feedforward_modules"] = by_sites(reference, ["ffn_down"])
    else:
        ours["attention_output"] = "attention_core"
    get_peft_model(reference.model, IA3Config(**modules))
    parts = {}
    for layer in range(reference.depth()):
        for site, name in ours.items():
            scale = reference.site(layer, site).ia3_l["default"]
            parts[f"layer.{layer}.{name}.scale_change"] = Part(
                scale, lambda tensor: tensor.view(-1), torch.ones(scale.numel()).double())
    assert len(parts) == sum(name.endswith("ia3_l.default") for name, _ in reference.model.named_parameters())
    return parts


def vera(reference, rank, targets, d_initial=0.1):
    """A and B are what peft draws by `projection_prng_key`."""
    from peft import VeraConfig, get_peft_model

    targets = reference.base.products if targets == ["all"] else targets
    get_peft_model(reference.model, VeraConfig(
        r=rank, d_initial=d_initial, projection_prng_key=0, target_modules=by_sites(reference, targets)))
    parts = {}
    for layer in range(reference.depth()):
        for target in targets:
            module, name = reference.site(layer, target), f"layer.{layer}.{target}"
            parts[name + ".lambda_d"] = Part(module.vera_lambda_d["default"])
            parts[name + ".lambda_b"] = Part(module.vera_lambda_b["default"])
    return parts


def llama_adapter(reference, length, layers=0, gate="layer"):
    """peft's has one gate a layer, without tanh, and takes decoders only."""
    from peft import AdaptionPromptConfig
    from peft.tuners.adaption_prompt import AdaptionPromptModel, layer as peft_layer

    assert gate == "layer"
    # peft casts to float32 there, whatever the model's type.
    peft_layer.F = types.SimpleNamespace(softmax=lambda scores, dim, dtype: torch.softmax(scores, dim))
    depth = reference.depth()
    config = AdaptionPromptConfig(adapter_len=length, adapter_layers=layers or depth)
    AdaptionPromptModel(reference.model, {"default": config}, "default")
    parts = {}
    for layer in range(depth - (layers or depth), depth):
        adapted = reference.model.get_submodule(f"{reference.base.layers}.{layer}.self_attn")
        parts[f"layer.{layer}.adapter_prompt"] = Part(adapted.adaption_prompt, lambda tensor: tensor[0])
        parts[f"layer.{layer}.gate"] = Part(adapted.adaption_gate)
    return parts


METHODS = {"llama_adapter": llama_adapter, "lora": lora, "dora": dora, "ia3": ia3, "vera": vera}
