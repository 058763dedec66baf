"""Prompts ahead of the text, and prefixes ahead of its keys and values as peft passes them: as a cache, which shifts
the text's positions."""
import torch

from golden_reference import Part


def prepend(reference, prompt, readout_at):
    """Reads the text behind the prompt, or with `first` all of it, as peft's classes do: index 0 is the prompt's."""

    def encode(ids, types, mask):
        ahead = prompt()
        length, words = len(ahead), reference.model.get_input_embeddings()(ids)
        more = lambda tensor, value: torch.cat([torch.full((len(ids), length), value), tensor], 1)
        typed = {"token_type_ids": more(types, 0)} if reference.base.types else {}
        hidden = reference.model(
            inputs_embeds=torch.cat([ahead.unsqueeze(0).expand(len(ids), -1, -1), words], 1),
            attention_mask=more(mask, 1), **typed).last_hidden_state
        return hidden if readout_at == "first" else hidden[:, length:]

    reference.encode = encode


def with_encoder(reference, config):
    """peft's module that makes prompts or prefixes; its model is kept for its module alone."""
    from peft import get_peft_model

    reference.model.double()  # peft casts a prefix to the type that the model has now
    config.task_type = "FEATURE_EXTRACTION"
    tuned = get_peft_model(reference.model, config).double().eval()
    reference.peft_config, reference.prompt_encoder = config, tuned.prompt_encoder["default"]
    return tuned


def prompt(reference, length, readout_at="text"):
    from peft import PromptTuningConfig

    tuned = with_encoder(reference, PromptTuningConfig(num_virtual_tokens=length))
    prepend(reference, lambda: tuned.get_prompt(1)[0], readout_at)
    return {"prompt": Part(reference.prompt_encoder.embedding.weight)}


def ptuning(reference, length, encoder="lstm", hidden=0, readout_at="text"):
    from peft import PromptEncoderConfig

    tuned = with_encoder(reference, PromptEncoderConfig(
        num_virtual_tokens=length, encoder_reparameterization_type=encoder.upper(),
        encoder_hidden_size=hidden or reference.width(), encoder_num_layers=2, encoder_dropout=0.0))
    prepend(reference, lambda: tuned.get_prompt(1)[0], readout_at)
    ours = {"embedding.weight": "prompt_embedding", "mlp_head": "prompt_network", "lstm_head": "prompt_lstm"}
    parts = {}
    for name, parameter in reference.prompt_encoder.named_parameters():
        owner, _, rest = name.partition(".")
        parts[ours[name] if name in ours else f"{ours[owner]}.{rest}"] = Part(parameter)
    return parts


def prefix(reference, length, network_width=0, positions="shifted", dropout=0.0):
    from peft import PrefixTuningConfig

    assert positions == "shifted" and dropout == 0.0
    tuned = with_encoder(reference, PrefixTuningConfig(
        num_virtual_tokens=length, prefix_projection=network_width > 0, encoder_hidden_size=network_width or None))

    def encode(ids, types, mask):
        more = torch.cat([torch.ones(len(ids), length, dtype=mask.dtype), mask], 1)
        return reference.encode_by_model(ids, types, more, past_key_values=tuned.get_prompt(len(ids)))

    reference.encode = encode
    return prefix_parts(reference, reference.prompt_encoder, "transform", length)


def prefix_parts(reference, encoder, network, length):
    """peft's and AdapterHub's prefixes have one layout: key of layer 0, value of layer 0, key of layer 1, …"""
    named = dict(encoder.named_parameters())
    if len(named) > 1:
        embedding, = [p for name, p in named.items() if not name.startswith(network)]
        return {"prefix_embedding": Part(embedding)} | {
            name.replace(network, "prefix_network"): Part(p) for name, p in named.items() if name.startswith(network)}
    flat, = named.values()
    parts = {}
    for layer in range(reference.depth()):
        for offset, ours in ((0, "key"), (1, "value")):
            view = lambda t, at=2 * layer + offset: t.view(length, 2 * reference.depth(), -1)[:, at]
            parts[f"layer.{layer}.prefix_{ours}"] = Part(flat, view)
    return parts


METHODS = {"prompt": prompt, "ptuning": ptuning, "prefix": prefix, "ptuning_v2": prefix}
