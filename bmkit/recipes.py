"""How the kit's own weights were trained: ``python3 -m bmkit.recipes NAME`` makes a file of data/weights anew.

Run it with the Python of the kit's environment, `.venv`; progress is shown in a terminal. The same machine gives the
same file again, byte for byte; another processor gives another file that is as good. Then size and SHA-256, which are
printed at the end, have to be put into data/manifest.toml.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmkit import data, models, scratch, train
from bmkit.backend import keras
from bmkit.data import manifest
from bmkit.data.cache import say, sha256_of
from bmkit.pretrained.own import BytePairs, read_model, write_model

__all__ = ["RECIPES", "gpt_docstrings", "main"]


def _stream(texts: Sequence[str], tokenizer: BytePairs) -> np.ndarray:
    """Write texts as one row of tokens, int32 of shape ``(time,)``, with an end before the first and after each."""
    tokens = [tokenizer.end]
    for text in texts:
        tokens += [*tokenizer.encode(text), tokenizer.end]
    return np.array(tokens, "int32")


def _windows(tokens: np.ndarray, length: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut windows of inputs and targets, the targets one token later, each of shape ``(windows, length)``."""
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[::stride]
    return windows[:, :-1], windows[:, 1:]


def gpt_docstrings(path: Path, *, trial: bool = False) -> None:
    """Train a GPT of four blocks on the prose of docstrings (a quarter of an hour on two cores), and write it.

    Args:
        path: the file to write.
        trial: go through every line with a tiny model and a handful of texts, in seconds.
    """
    import tensorflow as tf

    rows, merges, length, epochs = (40, 44, 16, 1) if trial else (None, 767, 256, 2)
    size = {"width": 16, "depth": 1, "num_heads": 2} if trial else {"width": 128, "depth": 4, "num_heads": 4}
    keras.utils.clear_session()  # layers are numbered from the start, whatever was built before
    train.seed(0)
    known, fresh = (data.load("docstrings").arrays(split)[0][:rows] for split in ("train", "validation"))
    tokenizer = BytePairs(scratch.bpe_train("\n\n".join(known), merges))
    model = models.gpt(tokenizer.end + 1, length, positions="rotary", dropout=0.1, **size)
    # Windows overlap by three quarters, so that an epoch reads every token four times, in other surroundings.
    x, y = _windows(_stream(known, tokenizer), length, length // 4)
    fed = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(4, drop_remainder=True)
    held = tf.data.Dataset.from_tensor_slices(_windows(_stream(fresh, tokenizer), length, length)).batch(4)
    steps, warm = epochs * len(fed), min(200, len(fed) // 2)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - warm, warmup_target=4e-3, warmup_steps=warm)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=1.0), loss)
    train.fit(model, fed, held, epochs=epochs)
    write_model(path, model, merges=np.array(tokenizer.merges, "int32"))
    stored, _ = read_model(path)
    stored.compile(loss=loss)
    for name, one in (("as trained", model), ("as stored, 16 bits", stored)):
        say(f"validation loss {name}: {train.evaluate(one, held)['loss']:.5f} nats a token")


RECIPES = {"gpt_docstrings": gpt_docstrings}


def main(arguments: list[str] | None = None) -> int:
    """Make one weight file anew, or tell which there are.

    Args:
        arguments: the words after ``python3 -m bmkit.recipes``; taken from the process when None.

    Returns:
        The exit code: 0 done, 2 wrong use.

    Example:
        >>> main(["unknown"])
        2
    """
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 1 or words[0] not in RECIPES:
        say(f"bmkit: type: python3 -m bmkit.recipes NAME, with NAME one of {', '.join(RECIPES)}")
        return 2
    path = manifest.PATH.parent / "weights" / f"{words[0]}.safetensors"
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".new")
    RECIPES[words[0]](beside)
    beside.replace(path)
    print(f'file = "{path.name}"\nsha256 = "{sha256_of(path)}"\nbytes = {path.stat().st_size}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
