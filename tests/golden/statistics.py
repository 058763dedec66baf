#!/usr/bin/env python3
"""Writes statistics.json: what numpy, scipy and scikit-learn say of a few small samples and of whole columns of runs.
critics.csv and sst2.csv hold labels and predictions of two real runs.

    python3 -m venv /tmp/statistics
    /tmp/statistics/bin/pip install numpy==1.26.4 scipy==1.11.4 scikit-learn==1.3.2
    /tmp/statistics/bin/python tests/golden/statistics.py
"""
import csv
import json
import math
import pathlib
import warnings

import numpy
from scipy import stats
from sklearn import metrics

warnings.filterwarnings("ignore")
random = numpy.random.default_rng(1)
HERE = pathlib.Path(__file__).parent
ERRORS = {"mse": metrics.mean_squared_error, "mae": metrics.mean_absolute_error}


def samples():
    for n in (2, 3, 5, 10):
        a = (0.8 + 0.02 * random.standard_normal(n)).round(4)
        yield {"a": a.tolist(), "mean": a.mean(), "sd": a.std(ddof=1),
               "mean_interval": list(stats.t.interval(0.95, n - 1, a.mean(), stats.sem(a)))}


def shares():
    for some, of in ((0, 5), (1, 5), (5, 5), (3, 10)):
        test = stats.binomtest(some, of).proportion_ci(method="wilson")
        yield {"some": some, "all": of, "low": test.low, "high": test.high}


def score(metric, labels, predictions, classes=None):
    """`classes`: of the whole set, for macro F1."""
    if metric == "accuracy":
        return (labels == predictions).mean()
    if metric == "f1":
        return metrics.f1_score(labels, predictions, zero_division=0)
    if metric in ("macro_f1", "weighted_f1"):
        return metrics.f1_score(labels, predictions, labels=classes, average=metric[:-3], zero_division=0)
    if metric == "matthews":
        return metrics.matthews_corrcoef(labels, predictions)
    if metric in ERRORS:
        return ERRORS[metric](labels, predictions)
    return (stats.pearsonr if metric == "pearson" else stats.spearmanr)(labels, predictions)[0]


def spearman_values(labels, predictions):
    """Influence function on mid-ranks, by all pairs of rows."""
    n = len(labels)
    u, v = (stats.rankdata(x) - 0.5 for x in (labels, predictions))
    u, v = u / n, v / n
    above = lambda x: (x[None, :] > x[:, None]) + 0.5 * (x[None, :] == x[:, None])

    def influence(x, y):
        j = x * y + above(x) @ y / n + above(y) @ x / n
        return j - j.mean()

    a, b, theta = u.var(), v.var(), score("spearman", labels, predictions)
    return theta + influence(u, v) / math.sqrt(a * b) - theta / 2 * (influence(u, u) / a + influence(v, v) / b)


def pseudo_values(metric, labels, predictions):
    if metric == "spearman":
        return spearman_values(labels, predictions)
    n, classes = len(labels), numpy.union1d(labels, predictions)
    whole, keep = score(metric, labels, predictions, classes), numpy.ones(n, bool)
    values = numpy.empty(n)
    for i in range(n):
        keep[i] = False
        values[i] = n * whole - (n - 1) * score(metric, labels[keep], predictions[keep], classes)
        keep[i] = True
    return values


def row_worth(metric, labels):
    if metric in ERRORS:
        return 0.0
    if metric in ("accuracy", "pearson", "spearman"):
        return 1.0
    classes, counts = numpy.unique(labels, return_counts=True)
    rarest = classes[counts.argmin()]
    others = counts.copy()
    others[counts.argmin()] = 0
    predictions = labels.copy()
    predictions[numpy.flatnonzero(labels == rarest)[0]] = classes[others.argmax()]
    return len(labels) * (1 - score(metric, labels, predictions))


def scores():
    for classes, n in [(2, 40), (3, 50), (5, 30)]:
        labels = random.integers(0, classes, n)
        predictions = numpy.where(random.random(n) < 0.7, labels, random.integers(0, classes, n))
        yield row_of(labels, predictions, ["accuracy", "macro_f1", "weighted_f1", "matthews"] + ["f1"] * (classes == 2))
    labels = numpy.array([0] * 12 + [1] * 11 + [2])  # a class of one row
    yield row_of(labels, numpy.roll(labels, 1), ["macro_f1", "weighted_f1", "matthews"])
    labels = (5 * random.random(40)).round(1)
    yield row_of(labels, (labels + random.standard_normal(40)).round(1), ["pearson", "spearman", *ERRORS])
    labels = random.integers(1, 6, 60).astype(float)  # ties
    yield row_of(labels, (labels + 2 * random.standard_normal(60)).round(0), ["pearson", "spearman", *ERRORS])


def row_of(labels, predictions, names):
    return {"labels": labels.tolist(), "predictions": predictions.tolist(),
            "scores": {name: score(name, labels, predictions) for name in names},
            "pseudo_values": {name: pseudo_values(name, labels, predictions).tolist() for name in names},
            "row_worth": {name: row_worth(name, labels) for name in names}}


class Column:
    """runs: {method: {seed: predictions}}; everything below for `a - b` over the seeds that both have."""

    def __init__(self, metric, labels, runs):
        self.metric, self.labels, self.runs, self.n = metric, labels, runs, len(labels)
        self.worth = row_worth(metric, labels)
        classes, counts = numpy.unique(labels, return_counts=True)
        self.constant = numpy.full(self.n, classes[counts.argmax()])
        self.values = {m: {s: pseudo_values(metric, labels, p) for s, p in by.items()} for m, by in runs.items()}
        self.scores = {m: {s: score(metric, labels, p) for s, p in by.items()} for m, by in runs.items()}

    def parts(self, seeds_of_scores, rows):
        d, x = numpy.array(seeds_of_scores), numpy.array(rows)
        s, n = x.shape
        x = x - x.mean(1, keepdims=True)
        rest = x - x.mean(0)
        own = d.var(ddof=1) if s > 1 else 0
        both = (rest**2).sum() / ((s - 1) * (n - 1)) / (s * n) if s > 1 else 0
        return {"difference": d.mean(), "seeds": s, "own": own, "both": both, "rows": x.mean(0).var(ddof=1) / n}

    def pair(self, a, b):
        shared = sorted(set(self.runs[a]) & set(self.runs[b]))
        if not shared:
            return None
        return self.parts([self.scores[a][s] - self.scores[b][s] for s in shared],
                          [self.values[a][s] - self.values[b][s] for s in shared])

    def join(self, by_seeds, seed_degrees, by_test):
        variance = by_seeds + by_test
        bottom = by_seeds**2 / seed_degrees + by_test**2 / (self.n - 1)
        return variance, max(1, variance**2 / bottom)

    def compare(self, a, b, alone=False):
        pair = self.pair(a, b)
        if pair is None or pair["seeds"] < 2:
            return None
        others = [p for p in (self.pair(c, b) for c in self.runs if c != b) if p and p["seeds"] > 1]
        k, s = len(others) + 1, pair["seeds"]
        scatter, degrees, comparisons = pair["own"], s - 1, 1 if alone else k - 1
        if not alone and s < 8:
            all_degrees = sum(p["seeds"] - 1 for p in others)
            scatter = max(scatter, sum(p["own"] * (p["seeds"] - 1) for p in others) / all_degrees)
            degrees = 4 / (k + 2) * all_degrees
        by_seeds = max(scatter / s, pair["both"])
        by_test = max(0, pair["rows"] - pair["both"]) + 2 * self.worth**2 / self.n**2
        variance, nu = self.join(by_seeds, degrees, by_test)
        d, error = pair["difference"], math.sqrt(variance)
        half = stats.t.ppf(1 - 0.05 / (2 * comparisons), nu) * error
        self.last = (by_seeds * s, degrees / (s - 1), by_test, pair["both"] * s, comparisons)
        return {"difference": d, "seeds": s, "variance": variance, "degrees": nu, "low": d - half, "high": d + half,
                "below": bool(-d > stats.t.ppf(1 - 0.05 / comparisons, nu) * error),
                "p": min(1, comparisons * 2 * stats.t.sf(abs(d) / error, nu)), "sees": self.sees(s)}

    def sees(self, seeds, scale=1, rows=None):
        scatter, degrees, by_test, of_rows, comparisons = self.last
        by_seeds, by_test = (scatter - of_rows + of_rows * scale) / seeds, by_test * scale
        variance, nu = self.join(by_seeds, degrees * (seeds - 1), by_test)
        return (stats.t.ppf(1 - 0.05 / (2 * comparisons), nu) + stats.t.ppf(0.8, nu)) * math.sqrt(variance)

    def needs(self, a, b, margin):
        self.compare(a, b)
        by_test, comparisons = self.last[2], self.last[4]
        most = (margin / (stats.norm.ppf(1 - 0.05 / (2 * comparisons)) + stats.norm.ppf(0.8))) ** 2 / 2
        rows = self.n if by_test <= most else math.ceil(self.n * by_test / most / 100) * 100
        seeds = next((s for s in range(2, 1001) if self.sees(s, self.n / rows) <= margin), 0)
        return {"margin": margin, "seeds": seeds, "rows": rows}

    def models(self, a, b):
        pair = self.pair(a, b)
        variance = pair["rows"] + 2 * self.worth**2 / self.n**2
        half = stats.t.ppf(0.975, self.n - 1) * math.sqrt(variance)
        return {"difference": pair["difference"], "low": pair["difference"] - half, "high": pair["difference"] + half}

    def of_one(self, method):
        """The interval of a method's own score, and of what it scores over the most frequent class."""
        runs, n = self.scores[method], self.n
        several = [list(by.values()) for by in self.scores.values() if len(by) > 1]
        scatter = sum(numpy.var(x, ddof=1) * (len(x) - 1) for x in several) / sum(len(x) - 1 for x in several)
        seeds = sorted(runs)
        parts = self.parts([runs[s] for s in seeds], [self.values[method][s] for s in seeds])
        s, centre, by_rows = len(seeds), parts["difference"], parts["rows"]
        imagined = 2 * self.worth**2 / n**2
        if self.metric == "accuracy":
            mean = numpy.concatenate([numpy.mean([self.values[method][s] for s in seeds], 0), [1, 1, 0, 0]])
            centre, by_rows, imagined = mean.mean(), mean.var(ddof=1) / (n + 4), 0
        own = self.half(parts, scatter, max(0, by_rows - parts["both"]) + imagined)
        lowest = 0 if self.metric not in ("matthews", "pearson", "spearman") else -1
        highest = math.inf if self.metric in ERRORS else 1
        result = {"score": [max(lowest, centre - own), min(highest, centre + own)]}
        if self.metric in ("pearson", "spearman", *ERRORS):
            return result
        constant = pseudo_values(self.metric, self.labels, self.constant)
        level = score(self.metric, self.labels, self.constant)
        over = self.parts([runs[s] - level for s in seeds], [self.values[method][s] - constant for s in seeds])
        half = self.half(over, scatter, max(0, over["rows"] - over["both"]) + 2 * self.worth**2 / n**2)
        result["over"] = [over["difference"] - half, over["difference"] + half]
        return result

    def half(self, parts, scatter, by_test):
        s = parts["seeds"]
        by_seeds = max(max(parts["own"], scatter) / s, parts["both"])
        variance, nu = self.join(by_seeds, 2 * (s - 1), by_test)
        return stats.t.ppf(0.975, nu) * math.sqrt(variance)

    def golden(self):
        comparisons = []
        for a in self.runs:
            for b in self.runs:
                if a == b or self.pair(a, b) is None:
                    continue
                one = {"a": a, "b": b}
                if self.pair(a, b)["seeds"] == 1:
                    one["models"] = self.models(a, b)
                else:
                    one["alone"] = {key: self.compare(a, b, True)[key] for key in ("variance", "degrees", "low", "high")}
                    one["joint"] = self.compare(a, b)
                    one["sees_5"] = self.sees(5)
                    one["needs"] = [self.needs(a, b, margin) for margin in (0.05, 0.02, 0.01)]
                comparisons.append(one)
        return {"comparisons": comparisons,
                "of_one": {m: self.of_one(m) for m, by in self.runs.items() if len(by) > 1}}


def from_csv(name):
    rows = list(csv.reader((HERE / name).open()))
    table = numpy.array(rows[1:], dtype=float)
    runs = {}
    for at, heading in enumerate(rows[0][2:], 2):
        method, seed = heading.split(" seed ")
        runs.setdefault(method, {})[int(seed)] = table[:, at]
    return table[:, 1], runs


def made(metric, methods, rows, seeds):
    """`seeds`: how many of each method."""
    regression = metric in ("pearson", "spearman", *ERRORS)
    labels = random.integers(1, 6, rows).astype(float) if regression else (random.random(rows) < 0.3).astype(float)
    runs = {}
    for method in range(methods):
        runs[f"m{method}"] = {}
        for seed in range(1, seeds[method] + 1):
            right = random.random(rows) < 0.75 + 0.03 * random.standard_normal()
            noise = (labels + random.standard_normal(rows)).round(1)
            runs[f"m{method}"][seed] = noise if regression else numpy.where(right, labels, 1 - labels)
    return labels, runs


def of_made(metric, methods, rows, seeds):
    labels, runs = made(metric, methods, rows, seeds)
    return {"metric": metric, "labels": labels.tolist(),
            "runs": {m: {str(s): p.tolist() for s, p in by.items()} for m, by in runs.items()},
            **Column(metric, labels, runs).golden()}


def columns():
    for name in ("critics.csv", "sst2.csv"):
        yield {"file": name, "metric": "accuracy", **Column("accuracy", *from_csv(name)).golden()}
    for metric, methods, rows, seeds in (("f1", 3, 60, [3, 3, 2]), ("macro_f1", 2, 40, [2, 2]), ("matthews", 3, 50, [5] * 3),
                                         ("spearman", 3, 50, [3] * 3), ("pearson", 2, 40, [2, 3]),
                                         ("accuracy", 3, 100, [9, 9, 3]), ("accuracy", 3, 30, [3, 3, 1])):
        yield of_made(metric, methods, rows, seeds)
    labels = numpy.array([0.0, 1] * 20)  # no row differs
    runs = {m: {s: labels.copy() for s in (1, 2)} for m in ("m0", "m1")}
    yield {"metric": "accuracy", "labels": labels.tolist(),
           "runs": {m: {str(s): p.tolist() for s, p in by.items()} for m, by in runs.items()},
           **Column("accuracy", labels, runs).golden()}
    yield of_made("mae", 3, 40, [3, 3, 2])


golden = {"samples": list(samples()), "shares": list(shares()), "scores": list(scores()), "columns": list(columns())}
(HERE / "statistics.json").write_text(json.dumps(golden, separators=(",", ":")).replace('},{"a"', '},\n{"a"') + "\n")
