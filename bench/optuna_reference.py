#!/usr/bin/env python3
"""What Optuna takes to hand out and record a trial that does nothing, in its journal file, which it syncs.

Use: <python with optuna> bench/optuna_reference.py FOLDER TRIALS; prints milliseconds a trial.
"""

import logging
import sys
import time
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def main():
    folder, trials = Path(sys.argv[1]), int(sys.argv[2])
    optuna.logging.set_verbosity(logging.ERROR)
    study = optuna.create_study(storage=JournalStorage(JournalFileBackend(str(folder / "optuna.log"))), sampler=optuna.samplers.RandomSampler(seed=1))
    begin = time.perf_counter()
    study.optimize(lambda trial: trial.suggest_int("seed", 1, trials), n_trials=trials)
    print(1000 * (time.perf_counter() - begin) / trials)


if __name__ == "__main__":
    main()
