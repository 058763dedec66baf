#!/usr/bin/env python3
"""Makes the tokenizer.json of a Hugging Face folder that holds only SentencePiece's tokenizer.model: of a LLaMA's, a
Mistral's or ChatGLM2's, whose pieces were merged in pairs (BPE). Needs nothing but Python.

    examples/sentencepiece_to_json.py FOLDER
"""
import base64
import json
import pathlib
import struct
import sys

BPE = 2
UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4  # kinds of piece beside those that texts are cut into
SPACE = "\u2581"
# Behind the pieces of ChatGLM2 and 3, in the order of their tokenization_chatglm.py.
CHATGLM = ["[MASK]", "[gMASK]", "[sMASK]", "sop", "eop"]


def fields(data):
    """(number, value) of a protocol buffer: whole numbers, bytes, or 4 bytes of a float."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length = varint()
        if at + length > len(data):
            raise IndexError("cut short")
        yield key >> 3, data[at:at + length]
        at += length


class Model:
    """sentencepiece_model.proto, as far as it decides how a text is cut."""

    def __init__(self, data):
        self.pieces, self.scores, self.kinds = [], [], []
        self.type, self.byte_fallback = 1, False
        self.charsmap, self.dummy_prefix, self.single_spaces = b"", True, True
        for number, value in fields(data):
            if number == 1:
                piece = dict(fields(value))
                self.pieces.append(piece[1].decode())
                self.scores.append(struct.unpack("<f", piece[2])[0] if 2 in piece else 0.0)
                self.kinds.append(piece.get(3, 1))
            if number == 2:
                trainer = dict(fields(value))
                self.type, self.byte_fallback = trainer.get(3, 1), bool(trainer.get(35, 0))
            if number == 3:
                normalizer = dict(fields(value))
                self.charsmap = normalizer.get(2, b"")
                self.dummy_prefix, self.single_spaces = bool(normalizer.get(3, 1)), bool(normalizer.get(4, 1))


def merges_of(model):
    """Of all pairs that make a piece, that of the highest score is joined first: their order is the pieces'."""
    ids = {piece: at for at, piece in enumerate(model.pieces)}
    found = []
    for at, piece in enumerate(model.pieces):
        splits = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        found += [(-model.scores[at], ids[left], ids[right], left, right)
                  for left, right in splits if left in ids and right in ids]
    return [[left, right] for *_, left, right in sorted(found)]


def normalizer_of(model):
    steps = []
    if model.charsmap:
        steps.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(model.charsmap).decode()})
    if model.single_spaces:
        steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    if model.dummy_prefix:
        steps.append({"type": "Prepend", "prepend": SPACE})
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    return {"type": "Sequence", "normalizers": steps}


def added_token(at, content, special):
    return {"id": at, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": special}


def template(single, pair, ids):
    """What a text, and a pair of texts, become: "A" and "B" are the texts, all else special tokens."""
    piece = lambda name: {"Sequence" if name in ("A", "B") else "SpecialToken": {"id": name, "type_id": 0}}
    special = [name for name in dict.fromkeys(single + pair) if name not in ("A", "B")]
    return {"type": "TemplateProcessing", "single": [piece(name) for name in single], "pair": [piece(name) for name in pair],
            "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in special}}


def post_processor_of(folder, chatglm, ids):
    if chatglm:
        return template(["[gMASK]", "sop", "A"], ["[gMASK]", "sop", "A", "B", "</s>"], ids)
    if not side_file(folder, "tokenizer_config.json").get("add_bos_token", True):
        return None
    return template(["<s>", "A"], ["<s>", "A", "<s>", "B"], ids)


def side_file(folder, name):
    return json.loads((folder / name).read_text()) if (folder / name).exists() else {}


def read_model(path):
    try:
        model = Model(path.read_bytes())
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}")
    except (IndexError, UnicodeDecodeError, struct.error, TypeError, ValueError):
        raise SystemExit(f"{path}: is not SentencePiece's, or cut short")
    if not model.pieces:
        raise SystemExit(f"{path}: is not SentencePiece's: it holds no piece")
    if model.type != BPE:
        raise SystemExit(f"{path}: its pieces are not made by merging pairs; such a model is not read")
    return model


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    model = read_model(folder / "tokenizer.model")
    chatglm = side_file(folder, "config.json").get("model_type") == "chatglm"
    added = [added_token(at, piece, model.kinds[at] != USER_DEFINED) for at, piece in enumerate(model.pieces)
             if model.kinds[at] in (UNKNOWN, CONTROL, USER_DEFINED)]
    if chatglm:
        added += [added_token(len(model.pieces) + at, token, True) for at, token in enumerate(CHATGLM)]
    vocabulary = {piece: at for at, piece in enumerate(model.pieces)}
    ids = vocabulary | {token["content"]: token["id"] for token in added}
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": normalizer_of(model), "pre_tokenizer": None, "post_processor": post_processor_of(folder, chatglm, ids),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": model.pieces[model.kinds.index(UNKNOWN)],
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                  "byte_fallback": model.byte_fallback, "ignore_merges": False, "vocab": vocabulary,
                  "merges": merges_of(model)}}
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


main()
