"""What a library says as a whole beside our own reading of its parts: each runs on the cases that it can judge."""
import copy

import torch
import transformers

from golden_reference import Reference
from own_encoder import OwnEncoder
from plain_decoders import made_plain


def agree(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def check(reference, case, rows):
    """All that can judge a case."""
    check_against_sequence_classification(reference, case, rows)
    check_against_peft_classification(reference, case, rows)
    check_own_encoder(reference, case, rows)


def load_linear(linear, reference, name):
    linear.load_state_dict({part: reference.head[f"{name}.{part}"] for part in ("weight", "bias")})


def whole_model(reference, case):
    """transformers' class for sequence classification with the case's base and head."""
    config = copy.deepcopy(reference.model.config)
    config.num_labels = case["outputs"]
    config.problem_type = "regression" if case["kind"] == "regression" else "single_label_classification"
    whole = reference.base.classification(config).double().eval()
    if reference.base.decoder:
        made_plain(whole.base_model).double()
    whole.base_model.load_state_dict(reference.model.state_dict())
    if reference.base.decoder:
        whole.score.load_state_dict({"weight": reference.head["classifier.weight"]})
    elif reference.base.pooler:
        load_linear(whole.classifier, reference, "classifier")
    elif reference.base.family == "DistilBert":
        load_linear(whole.pre_classifier, reference, "pooler.dense")
        load_linear(whole.classifier, reference, "classifier")
    else:
        load_linear(whole.classifier.dense, reference, "pooler.dense")
        load_linear(whole.classifier.out_proj, reference, "classifier")
    return whole


def check_against_sequence_classification(reference, case, rows):
    """Our reading of the pooler, the class's own head or a decoder's last token, our losses, and our padding."""
    readout = "last" if reference.base.decoder else "pooler"
    if case["method"] not in ("full", "head") or case["readout"] != readout or reference.base.folder:
        return
    if reference.base.family == "ChatGlm":
        return check_against_glm(reference, rows)
    whole = whole_model(reference, case)
    for row in rows:
        label = torch.tensor([row["target"]]).double() if case["kind"] == "regression" else torch.tensor([row["label"]])
        types = {"token_type_ids": torch.tensor([row["types"]])} if reference.base.types else {}
        alone = whole(input_ids=torch.tensor([row["ids"]]), labels=label, **types)
        agree(alone.logits, reference.logits([row]))
        agree(alone.loss, reference.loss([row]))
    agree(reference.logits(rows), torch.cat([reference.logits([row]) for row in rows]))


def check_against_glm(reference, rows):
    """Our ChatGLM2, on transformers' GLM: another way to write the same blocks."""
    ours, config = reference.model, reference.model.config
    glm = transformers.GlmModel(transformers.GlmConfig(
        vocab_size=config.padded_vocab_size, hidden_size=config.hidden_size, num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads, num_key_value_heads=config.multi_query_group_num,
        head_dim=config.kv_channels, intermediate_size=config.ffn_hidden_size, rms_norm_eps=config.layernorm_epsilon,
        attention_bias=True, pad_token_id=0, attn_implementation="sdpa",
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}))
    glm = made_plain(glm).double().eval()
    names = {"encoder.final_layernorm": "norm", "embedding.word_embeddings": "embed_tokens", "encoder.layers": "layers",
             "self_attention.query_key_value.query": "self_attn.q_proj", "mlp.dense_h_to_4h": "mlp.gate_up_proj",
             "self_attention.query_key_value.key": "self_attn.k_proj", "self_attention.dense": "self_attn.o_proj",
             "self_attention.query_key_value.value": "self_attn.v_proj", "mlp.dense_4h_to_h": "mlp.down_proj"}
    state = {}
    for name, tensor in ours.state_dict().items():
        for theirs, renamed in names.items():
            name = name.replace(theirs, renamed)
        state[name] = tensor
    glm.load_state_dict(state)
    for row in rows:
        ids = torch.tensor([row["ids"]])
        # transformers' cosines are float32.
        torch.testing.assert_close(ours(ids, torch.ones_like(ids)).last_hidden_state, glm(ids).last_hidden_state,
                                   rtol=1e-6, atol=1e-6)


def check_against_peft_classification(reference, case, rows):
    """Where a prompt or prefix is put and what is read behind it, on what peft's classification model says itself."""
    reads_as_peft = case["method"] in ("prefix", "ptuning_v2") or case["options"].get("readout_at") == "first"
    if not reads_as_peft or reference.base.folder or not hasattr(reference, "peft_config"):
        return
    from peft import get_peft_model

    config = copy.deepcopy(reference.peft_config)
    config.task_type = "SEQ_CLS"  # which keeps token types; what extracts features leaves them out
    tuned = get_peft_model(whole_model(reference, case), config).double().eval()
    tuned.prompt_encoder["default"].load_state_dict(reference.prompt_encoder.state_dict())
    for row in rows:
        ids = torch.tensor([row["ids"]])
        types = {"token_type_ids": torch.tensor([row["types"]])} if reference.base.types else {}
        alone = tuned(input_ids=ids, attention_mask=torch.ones_like(ids), **types)
        agree(alone.logits, reference.logits([row]))


def check_own_encoder(reference, case, rows):
    """Our own encoder with no method on it, on transformers'; pads included, which a gate may read."""
    if isinstance(getattr(reference.encode, "__self__", None), OwnEncoder):
        inputs = reference.padded(rows)
        agree(OwnEncoder(reference).encode(*inputs), reference.encode_by_model(*inputs))


def check_own_method(reference, case, rows, attach_own):
    """Our own reference of a method, on that of the library, whose gradients the caller has taken already."""
    own = Reference(case, attach_own)
    agree(own.logits(rows), reference.logits(rows))
    own.loss(rows).backward()
    assert own.parts.keys() == reference.parts.keys()
    for name, part in own.parts.items():
        agree(torch.from_numpy(part.gradient()), torch.from_numpy(reference.parts[name].gradient()))
