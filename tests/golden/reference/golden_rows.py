"""The rows that cases run on."""
import numpy as np

from golden_bases import BASES
from golden_numbers import words

SENTENCES = [
    ("the film is a delight from its first minute to its last .", None, 1),
    ("dull , overlong and curiously lifeless", None, 0),
    ("A man is playing a guitar on stage.", "Someone performs music in front of people.", 1),
    ("Interest rates rose again.", "The central bank left its rates where they were, to most people's surprise.", 0),
    ("unforgettable", None, 1),
    ("It could have been worse, though I cannot think how; the plot, such as it is, gives up half way.", None, 0),
]


def rows_of(base):
    return real_rows(BASES[base]) if BASES[base].folder else tiny_rows(BASES[base])


def tiny_rows(base):
    """Single texts and pairs of unlike lengths, between the base's own first and last token."""
    rows = []
    for index, (length, second) in enumerate([(9, 5), (4, 4), (17, 17), (3, 3), (12, 7), (6, 6), (23, 10), (8, 8)]):
        inner = [int(w % 55) + 5 for w in words(f"row/{index}", length - 2)]
        types = [0] * second + [1] * (length - second) if base.types > 1 else [0] * length
        rows.append({"ids": [base.first, *inner, base.last], "types": types, "label": index * 2 % 3,
                     "value": 0.5 * index - 1.25})
    return rows


def real_rows(base):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(base.folder)
    rows = []
    for index, (first, second, label) in enumerate(SENTENCES):
        encoded = tokenizer(first, second)
        types = encoded["token_type_ids"] if base.types else [0] * len(encoded["input_ids"])
        rows.append({"ids": encoded["input_ids"], "types": types, "label": label, "value": 0.5 * index})
    return rows


def with_targets(case, rows):
    """What a regression's case learns of its rows: their values, or these standardised by all of them."""
    values = np.array([row["value"] for row in rows])
    if case.get("targets") == "standardized":
        values = (values - values.mean()) / values.std()
    return [row | {"target": float(value)} for row, value in zip(rows, values)]
