"""Measure what a token costs a small GPT with and without a memory of keys and values.

It only reports; run it on a quiet machine::

    python3 benchmarks/kv_cache.py --width 128 --depth 4
"""

import argparse
import statistics
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from bmkit import models, train


def median_milliseconds(function, repeats: int) -> float:
    """Return the median time of a call, after two calls that only trace."""
    times = []
    for index in range(repeats + 2):
        start = time.perf_counter()
        function()
        times += [time.perf_counter() - start] * (index >= 2)
    return 1000 * statistics.median(times)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=30, help="tokens timed at each length")
    options = parser.parse_args()
    train.seed(0)
    decoder = models.CachedDecoder(models.gpt(512, 1024, width=options.width, depth=options.depth))
    table = Table("tokens read", "ms a token, cached", "ms a token, read again", "ratio", title=str(vars(options)))
    for length in (16, 64, 128, 256, 512, 1000):
        text, cache = np.arange(length)[np.newaxis] % 512, decoder.start_cache(1, length + 1)
        decoder.step(text, cache, 0)
        cached = median_milliseconds(lambda c=cache, n=length: decoder.step([[7]], c, n), options.repeats)
        again = median_milliseconds(
            lambda t=text, n=length: decoder.step(t, decoder.start_cache(1, n), 0), options.repeats
        )
        table.add_row(str(length), f"{cached:.2f}", f"{again:.2f}", f"{again / cached:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
