"""Methods that train tensors of the base itself: transformers' model, some of whose parameters take gradients."""
from golden_reference import Part


def base_parts(reference, wanted):
    there = lambda name: reference.reads_pooler() or "pooler" not in name
    used = {name: p for name, p in reference.model.named_parameters() if wanted(name) and there(name)}
    for parameter in used.values():
        parameter.requires_grad_(True)
    return {name: Part(parameter) for name, parameter in used.items()}


def full(reference):
    return base_parts(reference, lambda name: True)


def head(reference):
    return {}


def top_layers(reference, layers):
    top = [f"{reference.base.layers}.{reference.depth() - 1 - i}." for i in range(layers)]
    behind = reference.base.outside.get("final_norm", "pooler") + "."
    return base_parts(reference, lambda name: name.startswith((*top, behind)))


def changes(reference, ours):
    """Parts that are changes of the base's tensors, by transformers' names."""
    parts = base_parts(reference, lambda name: name in ours)
    return {ours[name]: Part(part.parameter, start=part.parameter.detach().double())
            for name, part in parts.items()}


def biases_of(reference, sites):
    ours, everywhere = {}, sites == ["all"]
    if everywhere:
        ours = {f"{module}.bias": f"{norm}.bias_change" for norm, module in reference.base.outside.items()}
        ours["pooler.dense.bias"] = "pooler.bias_change"
    for layer in range(reference.depth()):
        for site in reference.base.sites if everywhere else sites:
            ours[reference.base.module(layer, site) + ".bias"] = f"layer.{layer}.{site}.bias_change"
    return ours


def norms_of(reference, tensor, suffix):
    ours = {f"{module}.{tensor}": f"{norm}.{suffix}" for norm, module in reference.base.outside.items()}
    for layer in range(reference.depth()):
        for site in reference.base.norms:
            ours[f"{reference.base.module(layer, site)}.{tensor}"] = f"layer.{layer}.{site}.{suffix}"
    return ours


def bitfit(reference, biases):
    return changes(reference, biases_of(reference, biases))


def norms(reference):
    gains, shifts = norms_of(reference, "weight", "scale_change"), norms_of(reference, "bias", "shift_change")
    return changes(reference, gains | shifts)


def norms_and_biases(reference):
    return changes(reference, biases_of(reference, ["all"]) | norms_of(reference, "weight", "scale_change"))


METHODS = {method.__name__: method for method in (full, head, top_layers, bitfit, norms, norms_and_biases)}
