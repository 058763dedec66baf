"""Methods of AdapterHub's `adapters`."""
from golden_reference import Part
from peft_prompts import prefix_parts


def train(reference, *configs):
    import adapters

    adapters.init(reference.model)
    reference.model.add_adapter("golden", config=adapters.ConfigUnion(*configs) if len(configs) > 1 else configs[0])
    reference.model.train_adapter("golden")


def linear_parts(name, linear):
    return {f"{name}.weight": Part(linear.weight), f"{name}.bias": Part(linear.bias)}


def gate_parts(name, linear):
    """One output: ours is a vector."""
    return linear_parts(name + ".gate", linear) | {
        name + ".gate.weight": Part(linear.weight, lambda tensor: tensor.view(-1))}


def bottlenecks(reference, place, name="adapter"):
    """Those behind the feed-forward (`output`) or attention's output (`attention.output`)."""
    parts = {}
    for layer in range(reference.depth()):
        module = reference.model.get_submodule(f"{reference.base.layers}.{layer}.{place}.adapters.golden")
        parts |= linear_parts(f"layer.{layer}.{name}_down", module.adapter_down[0])
        parts |= linear_parts(f"layer.{layer}.{name}_up", module.adapter_up)
    return parts


def prefixes(reference, length):
    pool = reference.model.base_model.prefix_tuning.prefix_tunings["golden"]
    encoder, = pool.values()
    return prefix_parts(reference, encoder, "control_trans", length)


def pfeiffer(reference, reduction, activation="relu"):
    import adapters

    train(reference, adapters.SeqBnConfig(reduction_factor=reduction, non_linearity=activation))
    return bottlenecks(reference, "output")


def houlsby(reference, bottleneck, activation, norms, init):
    import adapters

    assert norms == "frozen" and init == "normal"
    train(reference, adapters.DoubleSeqBnConfig(
        reduction_factor=reference.width() / bottleneck, non_linearity=activation))
    return (bottlenecks(reference, "attention.output", "attention_adapter") |
            bottlenecks(reference, "output", "ffn_adapter"))


def parallel(reduction, scale=4.0, activation="relu"):
    import adapters

    return adapters.ParBnConfig(reduction_factor=reduction, scaling=scale, non_linearity=activation)


def parallel_adapter(reference, **options):
    train(reference, parallel(**options))
    return bottlenecks(reference, "output")


def prefix_config(length, network_width=0, **more):
    import adapters

    return adapters.PrefixTuningConfig(
        flat=network_width == 0, prefix_length=length, bottleneck_size=network_width or 1, **more)


def prefix(reference, length, network_width=0):
    train(reference, prefix_config(length, network_width))
    return prefixes(reference, length)


def prefixed(prefix, parts):
    return {f"{prefix}.{name}": part for name, part in parts.items()}


def mam(reference, length, network_width, reduction, scale=4.0):
    import adapters

    union = adapters.MAMConfig(prefix_config(length, network_width), parallel(reduction, scale))
    train(reference, *union.configs)
    return prefixed("prefix", prefixes(reference, length)) | prefixed("adapter", bottlenecks(reference, "output"))


def unipelt(reference, length=None, network_width=None, reduction=None, rank=None, alpha=None,
            parts=("prefix", "adapter", "lora"), gates="yes", freeze_head="no"):
    """`adapters` takes a gate's mean over all positions; without padding they are the text's own."""
    import adapters

    gated = gates == "yes"
    reference.alone = gated
    configs = {
        "prefix": lambda: prefix_config(length, network_width, use_gating=gated),
        "adapter": lambda: adapters.SeqBnConfig(reduction_factor=reduction, use_gating=gated),
        "lora": lambda: adapters.LoRAConfig(r=rank, alpha=alpha, use_gating=gated),
    }
    train(reference, *[configs[part]() for part in parts])
    found = {}
    if "prefix" in parts:
        found |= prefixed("prefix", prefixes(reference, length))
    if "adapter" in parts:
        found |= prefixed("adapter", bottlenecks(reference, "output"))
    for layer in range(reference.depth()):
        block = reference.model.get_submodule(f"{reference.base.layers}.{layer}")
        if "prefix" in parts and gated:
            gate = block.attention.self.prefix_tuning.prefix_gates["golden"]
            found |= gate_parts(f"prefix.layer.{layer}", gate)
        if "adapter" in parts and gated:
            found |= gate_parts(f"adapter.layer.{layer}", block.output.adapters["golden"].gate)
        for site in ("query", "value") if "lora" in parts else ():
            pair = reference.site(layer, site).loras["golden"]
            found |= {f"lora.layer.{layer}.{site}.lora_A": Part(pair.lora_A),
                      f"lora.layer.{layer}.{site}.lora_B": Part(pair.lora_B)}
            if gated:
                found |= gate_parts(f"lora.layer.{layer}.{site}", pair.gate)
    return found


METHODS = {"pfeiffer": pfeiffer, "houlsby": houlsby, "parallel_adapter": parallel_adapter, "prefix": prefix,
           "mam": mam, "unipelt": unipelt}
