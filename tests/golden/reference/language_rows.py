"""The rows of cases that predict tokens, choose among sequences, or put inserted tokens around texts. Each row has
`sequences` of ids; `answers`, the index of the first token that is predicted in each; a label and a value."""
from golden_numbers import words

START, DELIMITER, EXTRACT = -1, -2, -3  # inserted: the row of a trained table is -1 - id
FIRST_ORDINARY = 5  # models pad with one of the ids below

TINY_LENGTHS = [(5, 1), (12, 7), (20, 15), (9, 8), (16, 4), (7, 3)]  # tokens of a row, the first one predicted
DEEP_LENGTHS = [(8, 1), (24, 16), (15, 10), (11, 4)]
CHOICES = [2, 4, 3, 2, 3, 4]  # of each row


def text(name, length, vocabulary=60):
    """`length` ordinary ids."""
    return [int(w % (vocabulary - FIRST_ORDINARY)) + FIRST_ORDINARY for w in words(f"language/{name}", length)]


def row(index, sequences, label, answers=None, **more):
    return {"sequences": sequences, "answers": answers or [1] * len(sequences), "label": label,
            "value": 0.5 * index - 1.25} | more


def language_model_rows(lengths=None, vocabulary=60):
    """One row is predicted whole, one in its last token alone."""
    return [row(index, [text(f"row/{index}", length, vocabulary)], 0, [answer])
            for index, (length, answer) in enumerate(lengths or TINY_LENGTHS)]


def rows_with_padding(base):
    """The token that pads in the texts, predicted and read: what embeds it gets no gradient there."""
    rows = language_model_rows()
    for one in rows:
        for at in range(2, len(one["sequences"][0]), 3):
            one["sequences"][0][at] = base.pad
    return rows


def context_and_choices(index):
    """Choices of unlike lengths, and which of them is right."""
    count = CHOICES[index]
    choices = [text(f"choice/{index}/{choice}", 1 + (3 * choice + index) % 5) for choice in range(count)]
    return text(f"context/{index}", 3 + 2 * index % 7), choices, (2 * index + 1) % count


def choice_rows(joined):
    """`joined` makes a context and a choice one sequence."""
    rows = []
    for index in range(len(CHOICES)):
        context, choices, right = context_and_choices(index)
        rows.append(row(index, [joined(context, choice) for choice in choices], right))
    return rows


def plain_choice_rows():
    return choice_rows(lambda context, choice: context + choice)


def inserted_choice_rows():
    return choice_rows(lambda context, choice: [START, *context, DELIMITER, *choice, EXTRACT])


def bert_choice_rows(base):
    """Between the base's own first and last token, with token types."""
    rows = []
    for index in range(len(CHOICES)):
        context, choices, right = context_and_choices(index)
        heads = [base.first, *context, base.last]
        rows.append(row(index, [[*heads, *choice, base.last] for choice in choices], right,
                        types=[[0] * len(heads) + [1] * (len(choice) + 1) for choice in choices]))
    return rows


def single_rows():
    return [row(index, [[START, *text(f"single/{index}", 2 + 5 * index % 13), EXTRACT]], index * 2 % 3)
            for index in range(6)]


def pair_rows(symmetric):
    """Symmetric ones come in both orders."""
    rows = []
    for index in range(6):
        a, b = text(f"first/{index}", 2 + 3 * index % 7), text(f"second/{index}", 1 + 5 * index % 6)
        orders = [(a, b), (b, a)] if symmetric else [(a, b)]
        rows.append(row(index, [[START, *one, DELIMITER, *other, EXTRACT] for one, other in orders], index * 2 % 3))
    return rows
