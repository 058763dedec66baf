#!/usr/bin/env python3
"""Lists the keys of a model folder whose change moves what transformers makes of it: ids of texts, or logits.

    environment=$(tests/golden/environment.sh)
    $environment/a/bin/python tests/golden/folder_keys.py    # writes folder_keys_5.json
    $environment/b/bin/python tests/golden/folder_keys.py    # writes folder_keys_4.json

Each key of config.json and tokenizer_config.json that either version knows is set to other values, one at a time, in
the folder of a tiny BERT (tests/support/tiny_model.cpp writes the same tokenizer). A change counts where it moves ids,
types or logits: in evaluation, and for keys that name a dropout in training, with one seed. Changes that transformers refuses are left out.
sentence-transformers is in neither environment: the readouts of 1_Pooling/config.json are computed here, by the
definitions of its documentation. folder_keys_test.cpp turns each and finds it obeyed, refused or noted.
"""
import copy
import json
import pathlib
import string
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE / "reference")  # instead of this folder, whose statistics.py would hide Python's own

import torch
import transformers

MAX_LENGTH = 12
ROWS = [
    ["ab Cd", "ef"],
    ["caf\u00e9 na\u00efve", "x y"],
    ["a\u4e00\u4e8cb", "aword60b c"],
    ["[MASK] aword61", "k"],
    ["abcdefghijklmnop", "qrstuvwxyz"],
]
BERT = {
    "model_type": "bert", "architectures": ["BertForSequenceClassification"], "vocab_size": 64, "pad_token_id": 0,
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
}
CONFIG_VALUES = {
    "hidden_act": ["relu", "gelu_new", "silu"], "num_attention_heads": [4], "num_hidden_layers": [1],
    "intermediate_size": [16], "hidden_size": [8], "vocab_size": [60], "max_position_embeddings": [32],
    "type_vocab_size": [1], "layer_norm_eps": [1e-3], "hidden_dropout_prob": [0.5],
    "attention_probs_dropout_prob": [0.5], "classifier_dropout": [0.5], "is_decoder": [True],
    "add_cross_attention": [True], "position_embedding_type": ["relative_key", "relative_key_query"],
    "pad_token_id": [1], "initializer_range": [0.5], "chunk_size_feed_forward": [1], "dtype": ["bfloat16", "float16"],
    "torch_dtype": ["bfloat16"], "use_cache": [False], "tie_word_embeddings": [False], "problem_type": ["regression"],
    "pruned_heads": [{"0": [0]}], "is_encoder_decoder": [True], "bos_token_id": [7], "eos_token_id": [7],
    "id2label": [{"0": "b", "1": "a"}], "label2id": [{"b": 0, "a": 1}], "output_attentions": [True],
    "output_hidden_states": [True], "return_dict": [False], "gradient_checkpointing": [True],
    "tie_encoder_decoder": [True], "torchscript": [True], "attn_implementation": ["eager"],
    "cross_attention_hidden_size": [8], "finetuning_task": ["mrpc"], "embedding_size": [8],
}
TOKENIZER = {"tokenizer_class": "BertTokenizer", "model_max_length": 64}
TOKENIZER_VALUES = {
    "do_lower_case": [False], "strip_accents": [False, True], "tokenize_chinese_chars": [False],
    "truncation_side": ["left"], "padding_side": ["left"], "model_max_length": [8], "add_prefix_space": [True],
    "cls_token": ["[MASK]"], "sep_token": ["[PAD]"], "unk_token": ["[MASK]"], "pad_token": ["[MASK]"],
    "mask_token": ["word61"], "bos_token": ["word60"], "eos_token": ["word61"],
    "additional_special_tokens": [["word61"]], "extra_special_tokens": [["word60"]],
    "added_tokens_decoder": [{"60": {"content": "word60", "lstrip": False, "normalized": False, "rstrip": False,
                                     "single_word": False, "special": False}}],
    "model_input_names": [["input_ids", "attention_mask"]], "split_special_tokens": [True],
    "clean_up_tokenization_spaces": [True], "do_basic_tokenize": [False], "never_split": [["ab"]],
    "use_fast": [False], "is_lower_case": [True], "max_length": [6], "stride": [2],
    "truncation_strategy": ["only_first"], "pad_to_multiple_of": [8], "errors": ["ignore"],
    "name_or_path": ["elsewhere"],
}
POOLING_MODES = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens",
                 "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens",
                 "lasttoken": "lasttoken"}


def tokenizer_json():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = list(string.ascii_lowercase)
    tokens = special + letters + ["##" + letter for letter in letters] + [".", ","]
    tokens += [f"word{i}" for i in range(len(tokens), BERT["vocab_size"])]
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, token in enumerate(special)]

    def piece(kind, name, type_id):
        return {kind: {"id": name, "type_id": type_id}}

    single = [piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0), piece("SpecialToken", "[SEP]", 0)]
    pair = single + [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)]
    set_tokens = {name: {"id": name, "ids": [special.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": set_tokens},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(tokens)}},
    }


class Folder:
    def __init__(self, path):
        self.path = path
        torch.manual_seed(0)
        model = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
        model.save_pretrained(path)
        self.write("tokenizer.json", tokenizer_json())

    def write(self, name, content):
        (self.path / name).write_text(json.dumps(content))

    def encoded(self, config):
        """Ids and types of each row, and the padded batch."""
        self.write("tokenizer_config.json", config)
        tokenizer = transformers.AutoTokenizer.from_pretrained(self.path)
        firsts, seconds = zip(*ROWS)
        batch = tokenizer(list(firsts), list(seconds), truncation=True, max_length=MAX_LENGTH, padding=True,
                          return_tensors="pt")
        keep = batch["attention_mask"].bool()
        ids = [row[mask].tolist() for row, mask in zip(batch["input_ids"], keep)]
        types = batch.get("token_type_ids", torch.zeros_like(batch["input_ids"]))
        unbounded = tokenizer(ROWS[-1][0], truncation=True)["input_ids"]
        return {"ids": ids, "types": [row[mask].tolist() for row, mask in zip(types, keep)]}, batch, unbounded

    def logits(self, config, batch, training=False):
        self.write("config.json", config)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(self.path).train(training)
        torch.manual_seed(1)
        with torch.no_grad():
            return model(**batch)[0].float()


def unlike(a, b):
    return a.shape != b.shape or not torch.allclose(a, b, atol=1e-5)


def tried(what):
    try:
        return what()
    except Exception as error:  # of whatever library is beneath: the change is refused
        print(f"  refused: {str(error).splitlines()[0][:100]}")
        return None


def changes(values):
    for key, several in values.items():
        for value in several:
            print(f"{key}: {value}", flush=True)
            yield key, value


def of_config(folder, batch):
    for key, value in changes(CONFIG_VALUES):
        training = "dropout" in key
        plain = folder.logits(BERT, batch, training)
        found = tried(lambda: folder.logits(copy.deepcopy(BERT) | {key: value}, batch, training))
        if found is not None and unlike(found, plain):
            yield {"file": "config.json", "key": key, "value": value}
    folder.write("config.json", BERT)


def of_tokenizer(folder, rows, unbounded, plain):
    for key, value in changes(TOKENIZER_VALUES):
        found = tried(lambda: folder.encoded(copy.deepcopy(TOKENIZER) | {key: value}))
        if found is None:
            continue
        moved = tried(lambda: folder.logits(BERT, found[1]))
        if found[0] != rows or found[2] != unbounded or (moved is not None and unlike(moved, plain)):
            yield {"file": "tokenizer_config.json", "key": key, "value": value} | found[0]


def of_pooling(folder, batch):
    """By each mode; `mean` is what the others are compared with."""
    model = transformers.AutoModel.from_pretrained(folder.path)
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None].float()
    places = torch.arange(1, mask.shape[1] + 1)[None, :, None] * mask
    last = batch["attention_mask"].sum(1) - 1
    pooled = {
        "mean": (hidden * mask).sum(1) / mask.sum(1), "cls": hidden[:, 0],
        "lasttoken": hidden[torch.arange(len(last)), last], "max": hidden.masked_fill(mask == 0, -1e9).amax(1),
        "mean_sqrt_len_tokens": (hidden * mask).sum(1) / mask.sum(1).sqrt(),
        "weightedmean": (hidden * places).sum(1) / places.sum(1),
    }
    for mode, key in POOLING_MODES.items():
        if not unlike(pooled[mode], pooled["mean"]):
            continue
        yield {"file": "1_Pooling/config.json", "key": "pooling_mode", "value": mode, "mode": mode}
        yield {"file": "1_Pooling/config.json", "key": f"pooling_mode_{key}", "value": True, "mode": mode}


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    version = transformers.__version__
    assert version in ("5.23.0", "4.57.6"), version
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(pathlib.Path(path))
        folder.write("config.json", BERT)
        rows, batch, unbounded = folder.encoded(TOKENIZER)
        plain = folder.logits(BERT, batch)
        keys = list(of_config(folder, batch)) + list(of_tokenizer(folder, rows, unbounded, plain))
        folder.write("tokenizer_config.json", TOKENIZER)
        keys += list(of_pooling(folder, batch))
    out = {"transformers": version, "max_length": MAX_LENGTH, "rows": ROWS, "plain": rows, "keys": keys}
    name = HERE / f"folder_keys_{version.split('.')[0]}.json"
    name.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(keys)} of them move something")


sys.exit(main())
