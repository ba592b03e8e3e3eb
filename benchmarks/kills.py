"""Kill (or interrupt) a resumable training again and again, and count how often what follows equals an unbroken run.

Half of the signals come at a random moment of the whole training, half are aimed at the saving of a state::

    python3 benchmarks/kills.py --kind kill --runs 100
    python3 benchmarks/kills.py --kind interrupt --runs 100
    python3 benchmarks/kills.py --kind twice --runs 100

A run is a training that a signal breaks off (``twice``: two Ctrl-C, the second soon after the first), and the same call
again in another process. It counts as *equal* (weights, optimizer, generators and history to the last bit, nothing
said, nothing left behind), *told* (the same, after a sentence about what was dropped), or WRONG. The table says where
the signal really came. One server imports Keras and forks: TensorFlow must run nothing before a fork, since its threads
would be missing in the child; so the kit is first imported there.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

EPOCHS = 6
SIGNALS = {"kill": [signal.SIGKILL], "interrupt": [signal.SIGINT], "twice": [signal.SIGINT, signal.SIGINT]}
PLACES = ("never sent, the training had ended", "outside the training", "between two saves", "inside a save")
NOW, HIT = (multiprocessing.RawValue("b", 0) for _ in range(2))  # indices of PLACES that outlive a killed process


class Training:
    """A small network with dropout that can begin anew in the same process.

    32 rows are one batch, so that no order of batches matters: it is the one thing that no state holds.
    """

    def __init__(self, eager: bool):
        import tensorflow as tf

        from bmkit import train
        from bmkit.backend import keras
        from bmkit.train import checkpoint, snapshot

        numbers = train.seed(0)
        x = numbers.normal(size=(32, 4)).astype("float32")
        y = (x @ numbers.normal(size=(4, 3))).argmax(axis=-1)
        self.data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.3), keras.layers.Dense(3)]
        self.model = keras.Sequential([keras.Input((4,)), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(
            keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], jit_compile=False, run_eagerly=eager
        )
        self.variables = [*snapshot.variables(self.model), *snapshot.seeds(self.model)]
        self.first, self.snapshot, self.fit = snapshot.values(self.variables), snapshot, train.fit
        self.save, self.saves = checkpoint.Checkpoints.save, []
        checkpoint.Checkpoints.save = lambda states, *rest: self.watched(states, *rest)

    def watched(self, states, epoch, *rest):
        """Save a state, and aim at this very save if it is its turn."""
        start, NOW.value = time.monotonic(), 3
        if epoch == self.epoch:
            self.timer.start()
        self.save(states, epoch, *rest)
        NOW.value = 2
        self.saves.append(time.monotonic() - start)

    def run(self, folder: Path, signals: list[int], wait: float, epoch: int | None) -> tuple[str, str]:
        """Train; send this process the signals after `wait` seconds of training, or of the save of `epoch`.

        Returns:
            The outcome as a text (a training that was broken off has another one), and what was said.
        """
        self.snapshot.put(self.variables, self.first)
        self.timer, self.epoch = threading.Timer(wait, send, (signals, wait)), epoch
        said, outcome = io.StringIO(), "interrupted"
        NOW.value, HIT.value = 2, 0
        try:
            with contextlib.redirect_stderr(said):
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if signals and epoch is None:
                    self.timer.start()
                history = self.fit(self.model, self.data, self.data, epochs=EPOCHS, resume=folder)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                NOW.value = 1
                values = [one.tolist() for one in self.snapshot.values(self.variables)]
                outcome = repr((history, values))
        except KeyboardInterrupt:
            pass
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        self.timer.cancel()
        return outcome, said.getvalue()


def send(signals: list[int], wait: float) -> None:
    """Send this process signals; the second one after part of the time that the first one has waited."""
    for number in signals:
        HIT.value = HIT.value or NOW.value
        os.kill(os.getpid(), number)
        time.sleep(random.uniform(0, min(wait, 0.02)))


def work(pipe, eager: bool) -> None:
    """Serve trainings; a signal between two of them is let go."""
    training = Training(eager)
    while True:
        try:
            job = pipe.recv()
            answer = (*training.run(*job), statistics.median(training.saves or [0.0]))
        except KeyboardInterrupt:
            answer = ("interrupted", "", 0.0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pipe.send(answer)


class Worker:
    """A process that trains; step by step if it is to be killed, since each new one would have to trace its steps."""

    def __init__(self, eager: bool):
        forks = multiprocessing.get_context("fork")
        self.pipe, other = forks.Pipe()
        self.process = forks.Process(target=work, args=(other, eager), daemon=True)
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


def judged(broken: Worker, finisher: Worker, folder: Path, signal_job: tuple, expected: str) -> tuple[str, str]:
    """Break a training off, let the same call end it elsewhere, and compare; say where the signal came, too."""
    first, _, _ = broken.run(folder, *signal_job)
    place = PLACES[HIT.value]
    if "Error" in first.partition(":")[0]:
        return place, f"WRONG: the signal became {first}"
    if first == expected:
        return place, "equal (it had ended all the same)"
    saved = any(folder.glob("*/epoch-*"))
    outcome, said, _ = finisher.run(folder, [], 0.0, None)
    if outcome != expected:
        return place, f"WRONG: {first[:300]}, ended as {outcome[:300]}, expected {expected[:300]}; said: {said}"
    left = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    if left:
        return place, f"WRONG: there stays {left}"
    verdict = ("told: " + said.strip().partition(": ")[2][:20]) if said else "equal"
    verdict += "" if saved else " (begun anew: nothing was saved yet)"
    return place, verdict + (", an empty folder stays" if folder.exists() else "")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=SIGNALS, default="kill")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random.seed(given.seed)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    eager = given.kind == "kill"
    verdicts, finisher, broken = Counter(), Worker(eager), Worker(eager)
    with tempfile.TemporaryDirectory() as name:
        expected, _, _ = finisher.run(Path(name, "warm"), [], 0.0, None)
        start = time.monotonic()
        again, said, saving = finisher.run(Path(name, "unbroken"), [], 0.0, None)
        lasts = time.monotonic() - start
        assert again == expected and not said, again
        print(f"a training takes {lasts:.2f} s, a save {saving:.3f} s", flush=True)
        for run in range(given.runs):
            aimed = run % 2 == 1
            wait, epoch = random.uniform(0, saving if aimed else lasts), random.randint(1, EPOCHS) if aimed else None
            if not broken.process.is_alive():
                broken = Worker(eager)
            place, verdict = judged(
                broken, finisher, Path(name, str(run)), (SIGNALS[given.kind], wait, epoch), expected
            )
            verdicts[(place, verdict)] += 1
            if verdict.startswith("WRONG"):
                print(f"run {run}: {verdict}", flush=True)
            if run % 10 == 9:
                print(run + 1, Counter(verdict for _, verdict in verdicts.elements()), flush=True)
    for (place, verdict), count in sorted(verdicts.items()):
        print(f"{given.kind} {place}: {count} of {given.runs} {verdict}", flush=True)


if __name__ == "__main__":
    main()
