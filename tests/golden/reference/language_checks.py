"""What transformers' and peft's whole models say of predicted tokens and of choices: each runs on the cases that it can
judge."""
import copy

import torch
import transformers

from golden_checks import agree, check_against_glm, load_linear
from language_reference import sequences_of
from plain_decoders import made_plain

LOSS_IN_FLOAT32 = {"rtol": 1e-6, "atol": 1e-6}


def check(reference, case, rows):
    if reference.base.folder or case["method"] in ("lora", "ia3"):
        return
    check_rows_alone(reference, rows)
    if reference.base.family == "ChatGlm":
        check_against_glm(reference, sequences_of(rows))
    elif reference.predicts:
        check_against_language_model(reference, case, rows)
    if reference.base.family == "Bert":
        check_against_multiple_choice(reference, rows)
    if reference.base.family == "OpenAIGPT" and reference.inserts and case["kind"] == "choice":
        check_against_double_heads(reference, rows)


def check_rows_alone(reference, rows):
    """Our padding, and what a row takes of the others: nothing."""
    for row, together in zip(rows, reference.logits(rows)):
        agree(reference.logits([row])[0], together)


def loaded(whole, reference):
    """transformers' class with the case's base and tables; inserted tokens are its last ones."""
    whole.double().eval()
    made_plain(whole.base_model).double()
    embedding = reference.model.get_input_embeddings().weight
    name, = [name for name, parameter in reference.model.named_parameters() if parameter is embedding]
    whole.base_model.load_state_dict(reference.model.state_dict() | {name: reference.input_table().detach()})
    whole.get_output_embeddings().weight = torch.nn.Parameter(reference.output_table().detach())
    return whole


def config_of(reference, **more):
    config = copy.deepcopy(reference.model.config)
    config.update({"vocab_size": len(reference.input_table()), "tie_word_embeddings": False, **more})
    return config


def language_model(reference):
    named = {"GPT2": "GPT2LMHeadModel", "OpenAIGPT": "OpenAIGPTLMHeadModel"}
    family = reference.base.family
    model_class = getattr(transformers, named.get(family, family + "ForCausalLM"))
    return loaded(model_class(config_of(reference)), reference)


def check_against_language_model(reference, case, rows):
    """Every token's logits, and a language model's loss, behind peft's own prompt or prefix where there is one."""
    whole = language_model(reference)
    if hasattr(reference, "peft_config"):
        whole = with_peft(whole, reference)
    for row in rows:
        hidden, ids, mask = reference.encoded([row])
        for states, sequence, answer in zip(hidden, row["sequences"], row["answers"]):
            entries = reference.entries(torch.tensor([sequence]))
            labels = torch.where(torch.arange(len(sequence)) < answer, -100, entries)
            alone = whole(input_ids=entries, attention_mask=torch.ones_like(entries), labels=labels)
            agree(alone.logits[0, -len(sequence):], reference.token_logits(states[: len(sequence)]))
            if case["kind"] == "language_model":
                torch.testing.assert_close(alone.loss.double(), reference.loss([row]), **LOSS_IN_FLOAT32)


def with_peft(whole, reference):
    from peft import get_peft_model

    config = copy.deepcopy(reference.peft_config)
    config.task_type = "CAUSAL_LM"
    tuned = get_peft_model(whole, config).double().eval()
    tuned.prompt_encoder["default"].load_state_dict(reference.prompt_encoder.state_dict())
    return tuned


def check_against_multiple_choice(reference, rows):
    whole = transformers.BertForMultipleChoice(copy.deepcopy(reference.model.config)).double().eval()
    whole.bert.load_state_dict(reference.model.state_dict())
    load_linear(whole.classifier, reference, "classifier")
    for row in rows:
        ids, types, mask = (tensor.unsqueeze(0) for tensor in reference.padded(sequences_of([row])))
        alone = whole(input_ids=ids, token_type_ids=types, attention_mask=mask, labels=torch.tensor([row["label"]]))
        agree(alone.logits[0], reference.logits([row])[0])
        agree(alone.loss, reference.loss([row]))


def check_against_double_heads(reference, rows):
    """transformers' GPT-1 for choices, which reads one token of each sequence and predicts all of them."""
    config = config_of(reference, summary_type="cls_index", summary_use_proj=True, summary_proj_to_labels=True)
    whole = loaded(transformers.OpenAIGPTDoubleHeadsModel(config), reference)
    weight = reference.head["classifier.weight"]
    whole.multiple_choice_head.summary.load_state_dict({"weight": weight, "bias": torch.zeros(1).double()})
    for row in rows:
        hidden, ids, mask = reference.encoded([row])
        entries, costs = reference.entries(ids), []
        alone = whole(input_ids=entries.unsqueeze(0), mc_token_ids=(mask.sum(1) - 1).unsqueeze(0),
                      mc_labels=torch.tensor([row["label"]]))
        agree(alone.mc_logits[0], reference.logits([row])[0])
        agree(alone.mc_loss, reference.task_loss([row], reference.logits([row])))
        for sequence, length in zip(entries, mask.sum(1)):
            tokens = sequence[None, None, :length]
            costs.append(whole(input_ids=tokens, mc_token_ids=torch.tensor([[0]]), labels=tokens).loss)
        agree(torch.stack(costs).mean(), reference.auxiliary_loss([row], hidden, ids))
