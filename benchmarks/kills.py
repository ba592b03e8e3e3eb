"""Kill (or interrupt) a resumable training again and again, and count how often what follows equals an unbroken run.

Half of the signals come at a random moment of the whole run, half inside the saving of a state::

    python3 benchmarks/kills.py --kind kill --runs 100
    python3 benchmarks/kills.py --kind interrupt --runs 100

A run is a chain of processes on one folder: each is broken off by a signal, the last one ends by itself. It counts as
*equal* (weights, optimizer, generators and history to the last bit, nothing said), *told* (the same, after a sentence
about what was dropped), or WRONG. One server imports Keras and forks a child for each process. TensorFlow must not run
anything before a fork, since its threads would be missing in the child; so the kit is first imported there.
"""

import argparse
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

EPOCHS = 8


def training():
    """Return a function that trains a small network with dropout in a folder, and its outcome."""
    import numpy as np

    from bmkit import snapshot, train
    from bmkit.backend import keras

    numbers = train.seed(0)
    x = numbers.normal(size=(32, 4)).astype("float32")
    y = (x @ numbers.normal(size=(4, 3))).argmax(axis=-1)  # 32 rows are one batch: no order matters
    layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.3), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], jit_compile=False, run_eagerly=True)

    def run(folder, callbacks=()):
        history = train.fit(model, (x, y), (x, y), epochs=EPOCHS, resume=folder, callbacks=callbacks)
        values = snapshot.values([*snapshot.variables(model), *snapshot.seeds(model)])
        return history, [np.asarray(one).tolist() for one in values]

    return run


def child(folder: Path, number: int, inside: bool, wait: float, out: Path) -> None:
    """Train in this process; `number` is sent to it `wait` seconds after the training or a save has begun."""
    from bmkit import checkpoint

    run, save, count = training(), checkpoint.Checkpoints.save, random.randrange(1, EPOCHS + 1)

    def watched(self, epoch, *rest):
        if inside and epoch == count:
            aim()
        save(self, epoch, *rest)

    def aim():
        if number:
            threading.Thread(target=fire, daemon=True).start()

    def fire():
        time.sleep(wait)
        os.kill(os.getpid(), number)

    checkpoint.Checkpoints.save = watched
    if not inside:
        aim()
    out.write_bytes(pickle.dumps(run(folder)))


def forked(*arguments, said: Path) -> int:
    """Run `child` in a process of its own and return how it ended."""
    process = os.fork()
    if not process:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        sys.stderr = os.fdopen(2, "w")
        ended = 1
        try:
            child(*arguments)
            ended = 0
        except KeyboardInterrupt:
            ended = 130  # before or after the training; what lies in the folder is what counts
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(ended)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def chain(place: Path, number: int, lasts: float, expected) -> str:
    """Break a training off up to three times, let it end, and judge the outcome."""
    folder, out, said = place / "run", place / "out", place / "said"
    for _ in range(random.randint(1, 3)):
        inside = random.random() < 0.5
        wait = random.uniform(0, 0.02 if inside else lasts)
        if forked(folder, number, inside, wait, out, said=said) == 1:
            return "WRONG: " + said.read_text("utf-8")[-200:]
        out.unlink(missing_ok=True)
    if forked(folder, 0, False, 0.0, out, said=said) != 0:
        return "WRONG: " + said.read_text("utf-8")[-200:]
    told = [line for line in said.read_text("utf-8").splitlines() if line.startswith("bmkit:")]
    if json.dumps(pickle.loads(out.read_bytes())) != expected:
        return "WRONG: another outcome"
    if folder.exists():
        return "WRONG: the folder is still there"
    return f"told: {told[0]}" if told else "equal"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("kill", "interrupt"), default="kill")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    random.seed(given.seed)
    number = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT}[given.kind]
    with tempfile.TemporaryDirectory() as name:
        place, verdicts = Path(name), Counter()
        start = time.monotonic()
        assert forked(place / "run", 0, False, 0.0, place / "out", said=place / "said") == 0, (
            place / "said"
        ).read_text()
        lasts, expected = time.monotonic() - start, json.dumps(pickle.loads((place / "out").read_bytes()))
        for run in range(given.runs):
            own = place / str(run)
            own.mkdir()
            verdicts[verdict := chain(own, number, lasts, expected)] += 1
            if verdict.startswith("WRONG"):
                print(f"run {run}: {verdict}", flush=True)
    for verdict, count in Counter(verdicts).most_common():
        print(f"{given.kind}: {count} of {given.runs} {verdict}")


if __name__ == "__main__":
    main()
