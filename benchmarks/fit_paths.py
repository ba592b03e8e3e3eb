"""Measure how fast six models train with and without XLA and, where the processor has it, in bfloat16.

The rule in `bmkit.runtime` stands on this table. It only reports; run it on a quiet machine::

    python3 benchmarks/fit_paths.py --repeats 7
"""

import argparse
import statistics
import time
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bmkit import data, models, train
from bmkit.backend import keras

PATHS = {"no XLA": False, "Keras' auto": "auto", "XLA": True}
FLAGS = ("avx512_bf16", "amx_bf16")


def has_bfloat16() -> bool:
    """Tell whether this processor multiplies bfloat16 numbers itself (known on Linux only)."""
    file = Path("/proc/cpuinfo")
    return file.exists() and any(flag in file.read_text("utf-8").split() for flag in FLAGS)


def tasks():
    """Yield each model's name, its builder and its training data."""
    x, y = data.load("mnist_5k").arrays("train")
    steps = np.random.default_rng(0).normal(size=(3200, 100, 8)).astype("float32")
    yield "mlp on mnist_5k", models.mlp, x, y
    yield "cnn on mnist_5k", models.cnn, x, y
    for cell in ("simple_rnn", "lstm", "gru"):
        yield f"{cell} of 64 units, 100 steps", partial(models.rnn, cell=cell), steps, np.arange(len(steps)) % 10
    tokens = np.random.default_rng(0).integers(1, 99, size=(1600, 100))

    def transformer(_, num_classes):
        return models.transformer_classifier(99, num_classes)

    yield "transformer, 100 steps", transformer, tokens, np.arange(len(tokens)) % 10


def prepared(builder, x, y, jit_compile, policy, batch_size):
    """Return a function that trains one epoch, and the seconds that the first one took (tracing, compiling)."""
    keras.config.set_dtype_policy(policy)
    model = builder(x.shape[1:], 10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, jit_compile=jit_compile)

    def epoch() -> float:
        start = time.perf_counter()
        model.fit(x, y, batch_size=batch_size, verbose=0)
        return time.perf_counter() - start

    return epoch, epoch()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="epochs measured on each path, interleaved")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    paths = [(name, jit, "float32") for name, jit in PATHS.items()]
    paths += [("bfloat16, no XLA", False, "mixed_bfloat16")] if has_bfloat16() else []
    columns = ("model", "path", "samples/s", "lowest–highest", "ratio", "first epoch")
    table = Table(*columns, title=f"{keras.backend.backend()} backend, batches of {options.batch_size}")
    for name, builder, x, y in tasks():
        epochs = {path: prepared(builder, x, y, jit, policy, options.batch_size) for path, jit, policy in paths}
        speeds = {path: [] for path in epochs}
        for _ in range(options.repeats):  # interleaved: what slows the machine down meets every path alike
            for path, (epoch, _first) in epochs.items():
                speeds[path].append(len(x) / epoch())
        base = statistics.median(speeds["no XLA"])
        for path, found in speeds.items():
            middle, first = statistics.median(found), epochs[path][1]
            spread = f"{min(found):,.0f}–{max(found):,.0f}"
            table.add_row(name, path, f"{middle:,.0f}", spread, f"{middle / base:.2f}", f"{first:.1f} s")
        table.add_section()
    Console().print(table)
    Console().print(f"bmkit.train.runtime() chooses here: {train.runtime()}")


if __name__ == "__main__":
    main()
