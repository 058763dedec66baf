"""The cases of transformers_language.json, each with rows of its own."""
from golden_bases import BASES
from golden_cases import TINY_METHODS
from language_rows import (DEEP_LENGTHS, bert_choice_rows, inserted_choice_rows, language_model_rows, pair_rows,
                           plain_choice_rows, rows_with_padding, single_rows)
from more_cases import DECODERS, ON_DECODERS, SMOLLM2, on

METHODS = {label: TINY_METHODS[label] for label in ("full", "lora", "prompt")} | {
    "ia3": ON_DECODERS["ia3"], "prefix": ON_DECODERS["prefix_shifted"]}
ALSO_FULL = ["tiny_llama", "tiny_openai_gpt", "tiny_mistral"]  # and these with inserted tokens
SMOLLM2_VOCABULARY = 49152


def asked(base, what, label, kind, rows, outputs=1, methods=None, readout="last", **more):
    keys = {"name": f"{base}/{what}/{label}", "input": "plain", "auxiliary_lm": 0, "symmetric": False, "rows": rows}
    return on(base, label, (methods or METHODS)[label], readout, kind=kind, outputs=outputs) | keys | more


def language_model_cases():
    cases = [asked(base, "language_model", label, "language_model", language_model_rows())
             for base in DECODERS for label in ("full", "lora")]
    cases += [asked("tiny_llama", "language_model", label, "language_model", language_model_rows())
              for label in ("prefix", "ia3", "prompt")]
    cases += [asked(base, "language_model_padding", "full", "language_model", rows_with_padding(BASES[base]))
              for base in ("tiny_llama", "tiny_mistral", "tiny_glm", "tiny_gpt2")]
    rows = language_model_rows(DEEP_LENGTHS, SMOLLM2_VOCABULARY)
    return cases + [asked("smollm2", "language_model", label, "language_model", rows, methods=SMOLLM2)
                    for label in ("full", "lora")]


def choice_cases():
    cases = []
    for base in DECODERS:
        for label in ("full", "lora") if base in ALSO_FULL else ("lora",):
            cases.append(asked(base, "choice", label, "choice", plain_choice_rows()))
    rows = bert_choice_rows(BASES["tiny"])
    return cases + [asked("tiny", "choice", label, "choice", rows, readout="pooler") for label in ("full", "lora")]


def inserted_cases():
    cases = []
    for base in ALSO_FULL:
        gpt1 = lambda what, label, kind, rows, weight, **more: cases.append(
            asked(base, f"gpt1_{what}", label, kind, rows, input="gpt1", auxiliary_lm=weight, **more))
        for label in ("full", "lora"):
            gpt1("single", label, "classification", single_rows(), 0.5, outputs=3)
        gpt1("pair", "full", "classification", pair_rows(symmetric=False), 0, outputs=3)
        gpt1("symmetric_pair", "full", "regression", pair_rows(symmetric=True), 0.5, symmetric=True)
        for label in ("full", "lora"):
            gpt1("choice", label, "choice", inserted_choice_rows(), 0.5)
    return cases


def language_cases():
    return language_model_cases() + choice_cases() + inserted_cases()
