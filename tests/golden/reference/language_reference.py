"""Cases whose rows hold sequences of their own, in float64: tokens predicted from those before them, one of a row's
sequences chosen, and texts between inserted tokens as GPT-1 has them (Radford et al., 2018)."""
import torch

from base_methods import full
from golden_reference import Part, Reference


class LanguageReference(Reference):
    def __init__(self, case, attach):
        self.inserts = case["input"] == "gpt1"
        self.predicts = case["kind"] == "language_model" or case["auxiliary_lm"] > 0
        self.trains_base = attach is full
        super().__init__(case, attach)
        self.own_output = self.make_own_output()

    # ---- the tables ----

    def head_shapes(self):
        shapes = {} if self.case["kind"] == "language_model" else super().head_shapes()
        return shapes | ({"inserted.weight": (3, self.width())} if self.inserts else {})

    def make_own_output(self):
        """None where tokens are predicted by the table that embeds them, or not at all."""
        if not self.predicts or not self.base.output:
            return None
        values = self.base.output_table(self.model.get_input_embeddings().weight.shape).double()
        table = torch.nn.Parameter(values, requires_grad=self.trains_base)
        if self.trains_base:
            self.parts[self.base.output] = Part(table)
        return table

    def with_inserted(self, table):
        """The vocabulary's rows, then those of the inserted tokens."""
        return torch.cat([table, self.head["inserted.weight"]]) if self.inserts else table

    def input_table(self):
        return self.with_inserted(self.model.get_input_embeddings().weight)

    def output_table(self):
        own = self.own_output
        return self.with_inserted(self.model.get_input_embeddings().weight if own is None else own)

    def entries(self, ids):
        """The rows of the tables that ids stand for."""
        vocabulary = len(self.model.get_input_embeddings().weight)
        return torch.where(ids < 0, vocabulary - 1 - ids, ids)

    # ---- the model on sequences ----

    def encode_by_model(self, ids, types, mask, **more):
        if not self.inserts:
            return super().encode_by_model(ids, types, mask, **more)
        return self.model(inputs_embeds=self.input_table()[self.entries(ids)], attention_mask=mask,
                          **more).last_hidden_state

    def encoded(self, rows):
        """All rows' sequences one after another: hidden states, ids, mask."""
        ids, types, mask = self.padded(sequences_of(rows))
        return self.encode(ids, types, mask), ids, mask

    def by_row(self, rows, values):
        """What belongs to one sequence each, as one tensor a row."""
        return values.split([len(row["sequences"]) for row in rows])

    def token_logits(self, hidden):
        return hidden @ self.output_table().T

    def surprises(self, hidden, ids):
        """Negative log-probabilities of all tokens but the first, in nats, [sequences, tokens - 1]."""
        logits, tokens = self.token_logits(hidden[:, :-1]), self.entries(ids)[:, 1:]
        # One line a token: along any other axis float32 adds a vocabulary's exponentials in turn, and loses digits.
        costs = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none")
        return costs.view_as(tokens)

    def predicted(self, rows, hidden, ids):
        """Of the tokens from each sequence's answer on, one tensor a sequence."""
        found = []
        sequences = [pair for row in rows for pair in zip(row["sequences"], row["answers"])]
        for surprise, (sequence, answer) in zip(self.surprises(hidden, ids), sequences):
            found.append(surprise[answer - 1 : len(sequence) - 1])
        return found

    # ---- what is asked ----

    def logits(self, rows):
        """One tensor a row; of language models the sum of what its answer's tokens cost."""
        return self.answer(rows, *self.encoded(rows))

    def answer(self, rows, hidden, ids, mask):
        kind = self.case["kind"]
        if kind == "language_model":
            return torch.stack([tokens.sum() for tokens in self.predicted(rows, hidden, ids)]).unsqueeze(1)
        if kind == "choice":
            return self.by_row(rows, self.classify(hidden, mask).squeeze(1))
        states = torch.stack([states.sum(0) for states in self.by_row(rows, self.read(hidden, mask))])
        return self.head_linear("classifier", states)

    def loss(self, rows):
        hidden, ids, mask = self.encoded(rows)
        if self.case["kind"] == "language_model":
            return torch.cat(self.predicted(rows, hidden, ids)).mean()
        loss = self.task_loss(rows, self.answer(rows, hidden, ids, mask))
        if self.case["auxiliary_lm"] > 0:
            loss = loss + self.case["auxiliary_lm"] * self.auxiliary_loss(rows, hidden, ids)
        return loss

    def task_loss(self, rows, logits):
        if self.case["kind"] != "choice":
            return self.loss_of(rows, logits)
        right = [-torch.log_softmax(of_row, 0)[row["label"]] for of_row, row in zip(logits, rows)]
        return torch.stack(right).mean()

    def auxiliary_loss(self, rows, hidden, ids):
        """Each sequence weighs alike in its row, each row in the whole."""
        means = torch.stack([tokens.mean() for tokens in self.predicted(rows, hidden, ids)])
        return torch.stack([of_row.mean() for of_row in self.by_row(rows, means)]).mean()


def sequences_of(rows):
    """As rows of a single text each."""
    found = []
    for row in rows:
        types = row.get("types") or [[0] * len(ids) for ids in row["sequences"]]
        found += [{"ids": ids, "types": of_ids} for ids, of_ids in zip(row["sequences"], types)]
    return found
