"""Kill (or interrupt) a resumable training again and again, and count how often what follows equals an unbroken run.

Half of the signals come at a random moment of the whole training, half inside the saving of a state::

    python3 benchmarks/kills.py --kind kill --runs 100
    python3 benchmarks/kills.py --kind interrupt --runs 100

A run is a training that a signal breaks off, and the same call again in another process. It counts as *equal* (weights,
optimizer, generators and history to the last bit, nothing said), *told* (the same, after a sentence about what was
dropped), or WRONG. One server imports Keras and forks: TensorFlow must run nothing before a fork, since its threads
would be missing in the child; so the kit is first imported there.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

EPOCHS = 6


class Training:
    """A small network with dropout that can begin anew in the same process.

    32 rows are one batch, so that no order of batches matters: it is the one thing that no state holds.
    """

    def __init__(self):
        import tensorflow as tf

        from bmkit import checkpoint, snapshot, train
        from bmkit.backend import keras

        numbers = train.seed(0)
        x = numbers.normal(size=(32, 4)).astype("float32")
        y = (x @ numbers.normal(size=(4, 3))).argmax(axis=-1)
        self.data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.3), keras.layers.Dense(3)]
        self.model = keras.Sequential([keras.Input((4,)), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], jit_compile=False)
        self.variables = [*snapshot.variables(self.model), *snapshot.seeds(self.model)]
        self.first, self.snapshot, self.fit = snapshot.values(self.variables), snapshot, train.fit
        self.save, self.saving = checkpoint.Checkpoints.save, 0.0
        checkpoint.Checkpoints.save = lambda states, *rest: self.watched(states, *rest)

    def watched(self, states, epoch, *rest):
        """Save a state, and aim at this very save if it is its turn."""
        if epoch == self.epoch:
            self.timer.start()
        start = time.monotonic()
        self.save(states, epoch, *rest)
        self.saving = max(self.saving, time.monotonic() - start)

    def run(self, folder: Path, number: int, wait: float, epoch: int | None) -> tuple[str, str]:
        """Train; send this process the signal `number` after `wait` seconds of training, or of the save of `epoch`.

        Returns:
            The outcome as a text (a training that was broken off has another one), and what was said.
        """
        self.snapshot.put(self.variables, self.first)
        self.timer, self.epoch = threading.Timer(wait, os.kill, (os.getpid(), number)), epoch
        said, outcome = io.StringIO(), "interrupted"
        try:
            with contextlib.redirect_stderr(said):
                if number and epoch is None:
                    self.timer.start()
                history = self.fit(self.model, self.data, self.data, epochs=EPOCHS, resume=folder)
                values = [one.tolist() for one in self.snapshot.values(self.variables)]
                outcome = repr((history, values))
            self.timer.cancel()
        except KeyboardInterrupt:
            pass  # before or after the training itself
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        return outcome, said.getvalue()


def work(pipe) -> None:
    """Serve trainings; a signal between two of them is let go."""
    training = None
    while True:
        try:
            training = training or Training()
            job = pipe.recv()
            pipe.send((*training.run(*job), training.saving))
        except KeyboardInterrupt:
            pipe.send(("interrupted", "", 0.0))


class Worker:
    """A process that trains."""

    def __init__(self):
        forks = multiprocessing.get_context("fork")
        self.pipe, other = forks.Pipe()
        self.process = forks.Process(target=work, args=(other,), daemon=True)
        self.process.start()
        other.close()  # else nobody would hear of its death

    def run(self, *job) -> tuple[str, str, float]:
        """Return what the training returned, or that it was killed."""
        try:
            self.pipe.send(job)
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return "killed", "", 0.0


def judged(broken: Worker, finisher: Worker, folder: Path, signal_job: tuple, expected: str) -> str:
    """Break a training off, let the same call end it elsewhere, and compare."""
    first, _, _ = broken.run(folder, *signal_job)
    if "Error" in first.partition(":")[0]:
        return f"WRONG: the signal became {first}"
    if not folder.exists():
        return "equal" if first == expected else "equal (the signal came before anything was saved)"
    outcome, said, _ = finisher.run(folder, 0, 0.0, None)
    if outcome != expected:
        return f"WRONG: broken off as {first[:300]}, ended as {outcome[:300]}, expected {expected[:300]}; said: {said}"
    if folder.exists():
        return f"equal, but there stays {[str(path.relative_to(folder)) for path in folder.rglob('*')]}"
    return "told" if said else "equal"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("kill", "interrupt"), default="kill")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random.seed(given.seed)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    number = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT}[given.kind]
    verdicts, finisher, broken = Counter(), Worker(), Worker()
    with tempfile.TemporaryDirectory() as name:
        expected, _, _ = finisher.run(Path(name, "warm"), 0, 0.0, None)
        start = time.monotonic()
        again, said, saving = finisher.run(Path(name, "unbroken"), 0, 0.0, None)
        lasts = time.monotonic() - start
        assert again == expected and not said, again
        print(f"a training takes {lasts:.2f} s, the longest save {saving:.3f} s", flush=True)
        for run in range(given.runs):
            inside = run % 2 == 1
            wait, epoch = random.uniform(0, saving if inside else lasts), random.randint(1, EPOCHS) if inside else None
            if not broken.process.is_alive():
                broken = Worker()
            verdict = judged(broken, finisher, Path(name, str(run)), (number, wait, epoch), expected)
            verdicts[("inside a save" if inside else "anywhere", verdict)] += 1
            if verdict.startswith("WRONG"):
                print(f"run {run}: {verdict}", flush=True)
            if run % 5 == 4:
                print(run + 1, dict(verdicts), flush=True)
    for (place, verdict), count in sorted(verdicts.items()):
        print(f"{given.kind} {place}: {count} of {given.runs // 2} {verdict}")


if __name__ == "__main__":
    main()
