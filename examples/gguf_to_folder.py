#!/usr/bin/env python3
"""Turns a LLaMA in a GGUF file (weights in F32, Q8_0 or Q4_1, a byte-level vocabulary) into a Hugging Face folder:
config.json, model.safetensors in fp32, tokenizer.json, tokenizer_config.json. Needs numpy; examples/smollm2.sh calls it.

    examples/gguf_to_folder.py MODEL.gguf FOLDER
"""
import json
import pathlib
import struct
import sys

import numpy as np

F32, Q4_1, Q8_0 = 0, 3, 8
BLOCK = 32  # numbers that share a scale
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST = 8, 9
CONTROL, ADDED = 3, 4  # kinds of token that no text is cut into


class Gguf:
    """The header of a GGUF file of version 2 or 3 (its specification: ggml's docs/gguf.md), and its bytes."""

    def __init__(self, path):
        self.bytes, self.at = pathlib.Path(path).read_bytes(), 0
        if self.bytes[:4] != b"GGUF" or struct.unpack_from("<I", self.bytes, 4)[0] not in (2, 3):
            raise SystemExit(f"{path}: is no GGUF file of version 2 or 3")
        self.at = 8
        tensors, keys = self.number("<Q"), self.number("<Q")
        self.keys = {self.text(): self.value(self.number("<I")) for _ in range(keys)}
        self.tensors = {}
        for _ in range(tensors):
            name = self.text()
            shape = [self.number("<Q") for _ in range(self.number("<I"))][::-1]
            self.tensors[name] = shape, self.number("<I"), self.number("<Q")
        alignment = self.keys.get("general.alignment", 32)
        self.data = -(-self.at // alignment) * alignment

    def number(self, form):
        value, = struct.unpack_from(form, self.bytes, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        length = self.number("<Q")
        self.at += length
        return self.bytes[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == LIST:
            inner, count = self.number("<I"), self.number("<Q")
            return [self.value(inner) for _ in range(count)]
        return self.number(SCALARS[kind])

    def numbers(self, form, count, begin):
        if begin + count * np.dtype(form).itemsize > len(self.bytes):
            raise SystemExit("its weights end too early: is the file cut short?")
        return np.frombuffer(self.bytes, form, count, begin)

    def tensor(self, name):
        """In fp32. Q8_0: a scale d in half precision and 32 whole numbers, x = d q. Q4_1: d, m and 16 bytes, whose low
        halves are numbers 0 to 15 and whose high ones 16 to 31, x = d q + m."""
        shape, kind, offset = self.tensors[name]
        count, begin = int(np.prod(shape)), self.data + offset
        if kind == F32:
            return self.numbers("<f4", count, begin).reshape(shape)
        halves = {Q8_0: 1, Q4_1: 2}.get(kind)
        if halves is None:
            raise SystemExit(f"{name}: is of ggml's type {kind}; F32, Q4_1 and Q8_0 are read")
        packed = BLOCK if kind == Q8_0 else BLOCK // 2
        block = np.dtype([("scales", "<f2", (halves,)), ("q", "i1" if kind == Q8_0 else "u1", packed)])
        blocks = self.numbers(block, count // BLOCK, begin)
        scales = blocks["scales"].astype(np.float32).reshape(-1, halves)
        if kind == Q8_0:
            return (scales * blocks["q"]).reshape(shape)
        q = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], 1).astype(np.float32)
        return (scales[:, :1] * q + scales[:, 1:]).reshape(shape)


def unturned(weight, heads):
    """ggml keeps the rows of queries and keys in pairs of neighbours; transformers in halves of a head."""
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


MODULES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
           "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
           "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def weights_of(gguf):
    """(name, values) as transformers calls them."""
    heads = {"attn_q": gguf.keys["llama.attention.head_count"], "attn_k": gguf.keys["llama.attention.head_count_kv"]}
    for name in gguf.tensors:
        parts = name.split(".")
        values = gguf.tensor(name)
        if parts[0] != "blk":
            yield f"{OUTSIDE[parts[0]]}.{parts[1]}", values
            continue
        if parts[2] in heads:
            values = unturned(values, heads[parts[2]])
        yield f"model.layers.{parts[1]}.{MODULES[parts[2]]}.{parts[3]}", values


def write_safetensors(path, gguf):
    header, offset, tensors = {}, 0, list(weights_of(gguf))
    for name, values in tensors:
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors:
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def config_of(gguf):
    keys = {key.removeprefix("llama."): value for key, value in gguf.keys.items()}
    width, heads = keys["embedding_length"], keys["attention.head_count"]
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": keys["vocab_size"],
            "hidden_size": width, "num_hidden_layers": keys["block_count"], "num_attention_heads": heads,
            "num_key_value_heads": keys["attention.head_count_kv"], "head_dim": width // heads,
            "intermediate_size": keys["feed_forward_length"], "max_position_embeddings": keys["context_length"],
            "hidden_act": "silu", "rms_norm_eps": keys["attention.layer_norm_rms_epsilon"],
            "rope_theta": keys["rope.freq_base"], "tie_word_embeddings": "output.weight" not in gguf.tensors,
            "bos_token_id": keys["tokenizer.ggml.bos_token_id"], "eos_token_id": keys["tokenizer.ggml.eos_token_id"],
            "pad_token_id": keys["tokenizer.ggml.padding_token_id"]}


def tokenizer_of(gguf):
    """A text's digits are cut apart one by one, then the rest as GPT-2 does: what ggml calls the pre-tokenizer smollm."""
    if (gguf.keys["tokenizer.ggml.model"], gguf.keys["tokenizer.ggml.pre"]) != ("gpt2", "smollm"):
        raise SystemExit("the vocabulary is not cut as SmolLM's is; this script knows no other")
    tokens, kinds = gguf.keys["tokenizer.ggml.tokens"], gguf.keys["tokenizer.ggml.token_type"]
    added = [{"id": at, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": kind == CONTROL} for at, (token, kind) in enumerate(zip(tokens, kinds)) if kind in (CONTROL, ADDED)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
            "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {token: at for at, token in enumerate(tokens)},
                      "merges": [merge.split(" ") for merge in gguf.keys["tokenizer.ggml.merges"]]}}


def tokenizer_config_of(gguf):
    tokens = gguf.keys["tokenizer.ggml.tokens"]
    named = {f"{ours}_token": tokens[gguf.keys[f"tokenizer.ggml.{theirs}_token_id"]]
             for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))}
    return named | {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": gguf.keys["llama.context_length"]}


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    try:
        gguf = Gguf(sys.argv[1])
    except OSError as error:
        raise SystemExit(f"{sys.argv[1]}: {error.strerror}")
    except (struct.error, KeyError, UnicodeDecodeError):
        raise SystemExit(f"{sys.argv[1]}: its header cannot be read: is the file cut short?")
    if gguf.keys["general.architecture"] != "llama":
        raise SystemExit(f"{sys.argv[1]}: is of the architecture {gguf.keys['general.architecture']}; llama is read")
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", gguf)
    for name, content in (("tokenizer.json", tokenizer_of(gguf)), ("tokenizer_config.json", tokenizer_config_of(gguf)),
                          ("config.json", config_of(gguf))):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


main()
