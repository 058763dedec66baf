#!/usr/bin/env python3
"""Writes statistics.json: what scipy and scikit-learn say of a few small samples.

    python3 -m venv /tmp/statistics
    /tmp/statistics/bin/pip install numpy==1.26.4 scipy==1.11.4 scikit-learn==1.3.2
    /tmp/statistics/bin/python tests/golden/statistics.py
"""
import json
import pathlib
import warnings

import numpy
from scipy import stats
from sklearn import metrics

warnings.filterwarnings("ignore")
random = numpy.random.default_rng(1)


def samples():
    for n, m in [(2, 2), (3, 3), (5, 5), (5, 3), (10, 7)]:
        a = (0.8 + 0.02 * random.standard_normal(n)).round(4)
        b = (0.79 + 0.03 * random.standard_normal(m)).round(4)
        shared = min(n, m)
        difference = a[:shared] - b[:shared]
        paired = stats.t.interval(0.95, shared - 1, difference.mean(), stats.sem(difference))
        mean = stats.t.interval(0.95, n - 1, a.mean(), stats.sem(a))
        va, vb = a.var(ddof=1) / n, b.var(ddof=1) / m
        degrees = (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))
        welch = stats.t.interval(0.95, degrees, a.mean() - b.mean(), (va + vb) ** 0.5)
        yield {
            "a": a.tolist(), "b": b.tolist(), "mean": a.mean(), "sd": a.std(ddof=1),
            "mean_interval": list(mean), "paired": difference.mean(), "paired_interval": list(paired),
            "welch": a.mean() - b.mean(), "welch_interval": list(welch),
        }


def scores():
    for classes, n in [(2, 40), (3, 50), (5, 30)]:
        labels = random.integers(0, classes, n)
        predictions = numpy.where(random.random(n) < 0.7, labels, random.integers(0, classes, n))
        row = {"labels": labels.tolist(), "predictions": predictions.tolist(), "scores": {
            "accuracy": metrics.accuracy_score(labels, predictions),
            "macro_f1": metrics.f1_score(labels, predictions, average="macro"),
            "weighted_f1": metrics.f1_score(labels, predictions, average="weighted"),
            "matthews": metrics.matthews_corrcoef(labels, predictions)}}
        if classes == 2:
            row["scores"]["f1"] = metrics.f1_score(labels, predictions)
        yield row
    labels = (5 * random.random(40)).round(1)
    predictions = (labels + random.standard_normal(40)).round(1)
    yield {"labels": labels.tolist(), "predictions": predictions.tolist(), "scores": {
        "pearson": stats.pearsonr(labels, predictions)[0], "spearman": stats.spearmanr(labels, predictions)[0]}}


golden = {"samples": list(samples()), "scores": list(scores())}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
