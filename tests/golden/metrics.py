#!/usr/bin/env python3
"""Writes metrics.json beside itself: what scikit-learn and scipy say of fixed labels and predictions.

Made with scikit-learn 1.7.2, scipy 1.16.3, numpy 2.3.5 on Python 3.11:
    python3 -m venv venv && venv/bin/pip install scikit-learn==1.7.2 scipy==1.16.3 numpy==2.3.5
    venv/bin/python tests/golden/metrics.py
"""
import json
import pathlib
import warnings

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, mean_absolute_error, mean_squared_error

warnings.simplefilter("ignore")  # undefined values are the point of some cases


def classes(name, labels, predictions):
    values = {
        "accuracy": accuracy_score(labels, predictions),
        "macro_f1": f1_score(labels, predictions, average="macro", zero_division=0),
        "weighted_f1": f1_score(labels, predictions, average="weighted", zero_division=0),
        "matthews": matthews_corrcoef(labels, predictions),
    }
    if set(labels) | set(predictions) <= {0, 1}:
        values["f1"] = f1_score(labels, predictions, pos_label=1, zero_division=0)
    return {"name": name, "labels": list(map(int, labels)), "predictions": list(map(int, predictions)),
            "metrics": {k: float(v) for k, v in values.items()}}


def numbers(name, labels, predictions):
    values = {"pearson": pearsonr(labels, predictions)[0], "spearman": spearmanr(labels, predictions)[0],
              "mse": mean_squared_error(labels, predictions), "mae": mean_absolute_error(labels, predictions)}
    return {"name": name, "labels": list(map(float, labels)), "predictions": list(map(float, predictions)),
            "metrics": {k: None if np.isnan(v) else float(v) for k, v in values.items()}}


def sentiments(name, labels, predictions):
    """MOSI's: scores from -3 to 3 around 0."""
    y, p = np.asarray(labels, float), np.asarray(predictions, float)
    seven = lambda values: np.round(np.clip(values, -3, 3))
    charged = y != 0
    values = {
        "accuracy_2": accuracy_score(y < 0, p < 0),
        "accuracy_2_nonzero": accuracy_score(y[charged] > 0, p[charged] > 0) if charged.any() else None,
        "accuracy_7": accuracy_score(seven(y), seven(p)),
    }
    return {"name": name, "labels": y.tolist(), "predictions": p.tolist(),
            "metrics": {k: None if v is None else float(v) for k, v in values.items()}}


rng = np.random.default_rng(7)
noisy = rng.integers(0, 5, 60)
score = np.round(rng.uniform(0, 5, 40), 1)
draw = np.random.default_rng(8)
sentiment = np.round(draw.uniform(-3, 3, 60) * (draw.uniform(size=60) < 0.8), 1)
cases = [
    classes("two classes", rng.integers(0, 2, 50), rng.integers(0, 2, 50)),
    classes("two classes, mostly right", [0, 1, 1, 0, 1, 1, 0, 0, 1, 1], [0, 1, 1, 0, 1, 0, 0, 1, 1, 1]),
    classes("one class predicted", [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
    classes("the negative class predicted", [0, 1, 1, 0, 1], [0, 0, 0, 0, 0]),
    classes("only the negative class anywhere", [0, 0, 0], [0, 0, 0]),
    classes("only the positive class anywhere", [1, 1, 1], [1, 1, 1]),
    classes("everything wrong", [0, 1, 0, 1], [1, 0, 1, 0]),
    classes("five classes", noisy, np.where(rng.uniform(size=60) < 0.6, noisy, rng.integers(0, 5, 60))),
    classes("a class never predicted", [0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 0]),
    classes("a class only predicted", [0, 1, 0, 1], [0, 1, 2, 1]),
    classes("classes with a gap", [0, 3, 7, 3], [0, 3, 3, 3]),
    numbers("scores with ties", score, np.round(score + rng.normal(0, 1, 40), 1)),
    numbers("scores without ties", rng.normal(size=30), rng.normal(size=30)),
    numbers("one value predicted", [1.0, 2.0, 3.0], [2.5, 2.5, 2.5]),
    numbers("one value in the labels", [2.0, 2.0, 2.0], [1.0, 2.0, 3.0]),
    numbers("reversed", [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]),
    numbers("a curve", [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 8.0, 27.0, 64.0, 125.0]),
    sentiments("sentiments", sentiment, np.round(sentiment + draw.normal(0, 1, 60), 2)),
    sentiments("sentiments on the borders", [-3.4, -2.5, -1.5, -0.5, 0, 0, 0.5, 1.5, 2.5, 3.4], [-9, -2, -2, 0, 0, -0.1, 0, 2, 2, 9]),
    sentiments("neutral sentiments", [0, 0, 0], [-1, 0, 1]),
    numbers("large offset", list(1e6 + np.arange(8.0)), [1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0, 8.0]),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{len(cases)} cases in {path}")
