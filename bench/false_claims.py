#!/usr/bin/env python3
"""How often does the report claim something of methods that are exactly equal? Columns are drawn here and compared by
the report's own code (bench/compare_columns.cpp).

A row of the test set has a difficulty that all methods share, one that a method has of its own, one that a seed has of
its own (shared by methods: they see the same training rows), and a rest; a run has luck of its own. The luck is normal,
Student's t with three degrees, or skewed (a shifted exponential); of one method, or of the baseline, it may be four
times as large. All methods have the same expected score: thresholds are set by the mean over the luck.

Prints, for each situation and number of seeds, in how many of a hundred columns some joint interval leaves 0 out (and
the intervals' median half width in points), and how often a method that was chosen beforehand loses its star at most.

Use: bench/false_claims.py --compare build/release/bench/compare_columns [--columns 1000]      (needs numpy)
"""
import argparse
import subprocess

import numpy

SHARES = {"difficulty": 0.35, "method": 0.08, "seed": 0.32, "rest": 0.25}


def luck_of(kind, random, size):
    """Mean 0, standard deviation 1."""
    if kind == "normal":
        return random.standard_normal(size)
    if kind == "t3":
        return random.standard_t(3, size) / 3**0.5
    return 1 - random.exponential(1, size)  # mostly a little above, seldom far below


def threshold(accuracy, kind, spread, random):
    """With which a row is right with probability `accuracy`, luck included."""
    luck = spread * luck_of(kind, random, 200_000) + random.standard_normal(200_000)
    return -numpy.quantile(luck, 1 - accuracy)


def draw(case, seeds, thresholds, random):
    methods, rows = case["methods"], case["rows"]
    normal = lambda name, *shape: SHARES[name] ** 0.5 * random.standard_normal(shape)
    latent = (normal("difficulty", 1, 1, rows) + normal("method", methods, 1, rows) + normal("seed", 1, seeds, rows)
              + normal("rest", methods, seeds, rows))
    luck = numpy.array([spread * luck_of(case["luck"], random, seeds) for spread in spreads_of(case)])
    return (latent + luck[:, :, None] + numpy.array(thresholds)[:, None, None] > 0).astype(numpy.uint8)


def spreads_of(case):
    """In units of the latent normal: a point of accuracy near 75 % is 0.031."""
    spreads = [0.031 * case["points"]] * case["methods"]
    if case["noisy"] is not None:
        spreads[case["noisy"]] *= 4
    return spreads


def cases():
    for methods in (2, 6, 25):
        yield {"methods": methods, "rows": 400, "luck": "t3", "points": 1.5, "noisy": None, "accuracy": 0.75}
        yield {"methods": methods, "rows": 1000, "luck": "normal", "points": 1, "noisy": methods - 1, "accuracy": 0.75}
        yield {"methods": methods, "rows": 400, "luck": "normal", "points": 1, "noisy": 0, "accuracy": 0.75}
        yield {"methods": methods, "rows": 200, "luck": "skewed", "points": 2, "noisy": None, "accuracy": 0.9}


def rates(case, seeds, columns, program, random):
    thresholds = [threshold(case["accuracy"], case["luck"], spread, random) for spread in spreads_of(case)]
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    text = bytearray()
    for _ in range(columns):
        right = draw(case, seeds, thresholds, random)
        text += f"{case['methods']} {seeds} {case['rows']}\n".encode() + (right + ord("0")).astype(numpy.uint8).tobytes()
    lines = process.communicate(bytes(text))[0].decode().split("\n")[:-1]
    apart, below, width = numpy.array([line.split() for line in lines], dtype=float).T
    # The best method is any of them: how often does one that was chosen beforehand lose its star?
    return (apart > 0).mean(), below.mean() / case["methods"], numpy.median(width)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compare", required=True)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 5, 10])
    options = parser.parse_args()
    print("| methods | rows | luck of runs | " + " | ".join(f"{seeds} seeds" for seeds in options.seeds) + " | star |")
    print("|--:|--:|---|" + "--:|" * (len(options.seeds) + 1))
    worst = 0
    for number, case in enumerate(cases()):
        random = numpy.random.default_rng([18, number])
        columns = options.columns if case["methods"] < 25 else options.columns // 2
        noisy = {None: "", 0: ", the baseline's 4 times"}.get(case["noisy"], ", one method's 4 times")
        print(f"| {case['methods']} | {case['rows']} | {case['luck']}, {case['points']:g} points{noisy} |", end="")
        lost = 0
        for seeds in options.seeds:
            false, star, width = rates(case, seeds, columns, options.compare, random)
            worst, lost = max(worst, false), max(lost, star)
            print(f" {100 * false:.1f} ({width:.1f}) |", end="", flush=True)
        print(f" {100 * lost:.1f} |", flush=True)
    print(f"\nMost false claims: {100 * worst:.1f} % of columns.")


if __name__ == "__main__":
    main()
