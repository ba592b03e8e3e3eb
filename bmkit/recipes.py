"""How the kit's own weights were trained: ``python3 -m bmkit.recipes NAME`` makes a file of data/weights anew.

Run it with the Python of the kit's environment, `.venv`; progress is shown in a terminal. The same machine gives the
same file again, byte for byte; another processor gives another file that is as good. Then size and SHA-256, which are
printed at the end, have to be put into data/weights/NAME.toml.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmkit import data, models, pretrained, scratch, train
from bmkit.backend import keras
from bmkit.data import manifest
from bmkit.data.cache import say, sha256_of
from bmkit.pretrained.own import BytePairs, read_model, write_model

__all__ = ["RECIPES", "bert_reviews", "gpt_docstrings", "main", "minilm_reviews"]


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


def _review_words(split: str) -> list[str]:
    """Read the reviews of a split without the tags of their line breaks."""
    return [re.sub(r"<[^>]*>", " ", text) for text in data.load("small_fine_foods").arrays(split)[0]]


def _hidden(windows: np.ndarray, random: np.random.Generator, places: int, *, size: int) -> tuple:
    """Hide words of windows ``(n, time)``: what is read and where is asked; the answers; which of the places count."""
    read, chosen = scratch.hide_tokens(windows, random, words=(2, size), mask_token=size)
    where = np.argsort(~chosen, axis=1, kind="stable")[:, :places]  # the chosen ones first
    answers, counted = (np.take_along_axis(array, where, axis=1) for array in (windows, chosen))
    return (read.astype("int32"), where.astype("int32")), answers, counted.astype("float32")


def bert_reviews(path: Path, *, trial: bool = False) -> None:
    """Train a BERT of two blocks to guess hidden words of food reviews (ten minutes on two cores), and write it.

    Args:
        path: the file to write.
        trial: go through every line with a tiny model and a handful of texts, in seconds.
    """
    import tensorflow as tf

    rows, size, length, rounds = (60, 50, 16, 1) if trial else (None, 2000, 64, 60)
    shape = {"width": 16, "depth": 1, "num_heads": 2} if trial else {"width": 64, "depth": 2, "num_heads": 4}
    keras.utils.clear_session()
    train.seed(0)
    random, places = np.random.default_rng(0), round(0.15 * length)
    encode = keras.layers.TextVectorization(size, output_mode="int")
    known, fresh = (_review_words(split)[:rows] for split in ("train", "validation"))
    encode.adapt(known)

    def windows(texts: Sequence[str]) -> np.ndarray:
        tokens = np.asarray(encode(texts))
        tokens = np.pad(tokens, ((0, 0), (0, -tokens.shape[1] % length))).reshape(-1, length)
        return tokens[(tokens > 1).sum(axis=1) >= 8]

    model = models.bert(size + 1, length, positions="rotary", dropout=0.1, **shape)
    asked = models.bert_masked_lm(model, places)
    cut, held = windows(known), _hidden(windows(fresh), random, places, size=size)
    parts = [_hidden(cut[random.permutation(len(cut))], random, places, size=size) for _ in range(rounds)]
    fed = tf.data.Dataset.from_tensor_slices(keras.tree.map_structure(lambda *all: np.concatenate(all), *parts))
    steps = rounds * -(-len(cut) // 64)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps * 9 // 10, warmup_target=4e-3, warmup_steps=steps // 10)
    asked.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train.fit(asked, fed.batch(64), tf.data.Dataset.from_tensor_slices(held).batch(64), epochs=1)
    write_model(path, model)


def minilm_reviews(path: Path, *, trial: bool = False) -> None:
    """Fit a logistic regression on MiniLM's vectors of all food reviews (two minutes on two cores), and write it.

    Args:
        path: the file to write.
        trial: a handful of reviews, in seconds.
    """
    from sklearn import linear_model, pipeline, preprocessing

    rows = 20 if trial else None
    texts, liked = _review_words("train")[:rows], data.load("small_fine_foods").arrays("train")[1][:rows]
    vectors = pretrained.load("minilm").layer_means(texts, depth=5, length=128)[:, 4]  # (n, 384)
    fitted = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.003, max_iter=500)
    ).fit(vectors, liked)
    scaler, regression = fitted[0], fitted[1]
    kernel = regression.coef_[0] / scaler.scale_  # the scaling folded in: one layer does both
    keras.utils.clear_session()
    head = keras.Sequential([keras.Input((384,)), keras.layers.Dense(1, name="logit")], name="minilm_reviews")
    head.set_weights([kernel[:, np.newaxis], regression.intercept_ - scaler.mean_ @ kernel])
    write_model(path, head)


RECIPES = {recipe.__name__: recipe for recipe in (gpt_docstrings, bert_reviews, minilm_reviews)}


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
    path = manifest.FOLDER / "weights" / f"{words[0]}.safetensors"
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".new")
    RECIPES[words[0]](beside)
    beside.replace(path)
    print(f'file = "{path.name}"\nsha256 = "{sha256_of(path)}"\nbytes = {path.stat().st_size}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
