"""The formulas of `bmkit.scratch.sequences`: worked by hand, held against Keras, their promises and their errors."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(3)
TOKENS = RANDOM.integers(0, 7, size=(3, 5))
TABLE = RANDOM.normal(size=(7, 4))
VECTORS = RANDOM.normal(size=(3, 5, 4))
MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 1, 0]])
SIGNAL = RANDOM.normal(size=50)
CEPSTRUM = RANDOM.normal(size=(3, 6))
WORDS = np.array(["DSL", "No", "Fiber optic", "No", "satellite"])
KNOWN = ["DSL", "Fiber optic", "No"]
ROOT = 0.7071067811865476

HAND = [
    ("one_hot", (np.array([1, 0]), 2), [[0.0, 1.0], [1.0, 0.0]]),
    ("one_hot", (np.array(2), 4), [0.0, 0.0, 1.0, 0.0]),
    ("one_hot", (np.zeros((2, 0), int), 3), np.zeros((2, 0, 3))),
    ("one_hot", ([2, 0, 7], [0, 2]), [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]),
    ("one_hot", ([["b"], ["c"]], ["a", "b"]), [[[0.0, 1.0]], [[0.0, 0.0]]]),
    ("embedding_lookup", (np.array([[1], [1]]), np.array([[1.0, 2.0], [3.0, 5.0]])), [[[3.0, 5.0]], [[3.0, 5.0]]]),
    ("masked_mean", (np.array([[[2.0, 0.0], [4.0, 6.0], [9.0, 9.0]]]), [[True, True, False]]), [[3.0, 3.0]]),
    ("masked_mean", (np.ones((1, 4, 2)), [[0, 0, 0, 0]]), [[0.0, 0.0]]),
    ("frame_signal", (np.arange(6.0), 3, 2), [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]),
    ("frame_signal", (np.arange(3.0), 3, 9), [[0.0, 1.0, 2.0]]),
    ("cepstral_envelope", (np.array([1.0, 3.0]), np.array([0.0, 1.0, 2.0, 4.0]), 8.0), [4.0, ROOT, -3.0, 2.0]),
]


def encoded(values, categories):
    encoder = OneHotEncoder(categories=[categories], handle_unknown="ignore", sparse_output=False)
    return encoder.fit_transform(values[:, np.newaxis].astype(object))


def embedded(tokens, table):
    layer = keras.layers.Embedding(*table.shape)
    layer.build()
    layer.set_weights([table])
    return layer(tokens)


def averaged(vectors, mask):
    return keras.layers.GlobalAveragePooling1D()(vectors.astype("float32"), mask=mask.astype(bool))


def transformed(cepstrum, frequencies, rate):
    """Let a Fourier transform of 64 points add the cosines up; its real part is at 0, rate/64, …, rate/2."""
    assert (frequencies == np.arange(33) * rate / 64).all()
    filled = np.pad(cepstrum, ((0, 0), (1, 63 - cepstrum.shape[1])))  # c₀ = 0 comes first
    return keras.ops.rfft(filled.astype("float32"))[0]


PARITY = [
    ("one_hot", (TOKENS, 7), keras.ops.one_hot),
    ("one_hot", (WORDS, KNOWN), encoded),
    ("embedding_lookup", (TOKENS, TABLE), embedded),
    ("masked_mean", (VECTORS, MASK), averaged),
    ("frame_signal", (SIGNAL, 8, 3), keras.ops.extract_sequences),
    ("frame_signal", (SIGNAL, 50, 1), keras.ops.extract_sequences),
    ("cepstral_envelope", (CEPSTRUM, np.arange(33) * 125.0, 8000.0), transformed),
]

ERRORS = [
    ("one_hot", (["a"], ["a", "a"]), "list each once"),
    ("one_hot", (np.array([0, 3]), 3), "integers in 0 … 2"),
    ("one_hot", (np.array([-1]), 3), "integers in 0 … 2"),
    ("one_hot", (np.array([1.0]), 3), "integers in 0 … 2"),
    ("embedding_lookup", (np.array([7]), TABLE), "integers in 0 … 6"),
    ("masked_mean", (VECTORS, MASK[:, :4]), "one entry of the mask for each step"),
    ("masked_mean", (VECTORS[0], MASK[0]), "expected (n, time, features)"),
    ("frame_signal", (SIGNAL, 51, 1), "no longer than the signal"),
    ("frame_signal", (SIGNAL, 8, 0), "a hop of at least 1"),
    ("frame_signal", (SIGNAL.reshape(5, 10), 2, 1), "expected shape (samples,)"),
    ("cepstral_envelope", (CEPSTRUM, np.array([5000.0]), 8000.0), "only 0 to 4000 Hz exist"),
]


def test_a_lookup_is_a_product_with_one_hot_rows():
    np.testing.assert_allclose(scratch.one_hot(TOKENS, 7) @ TABLE, scratch.embedding_lookup(TOKENS, TABLE))
    assert (scratch.one_hot(TOKENS, 7).sum(axis=-1) == 1).all()


def test_a_masked_mean_does_not_see_filling_or_order():
    filled = np.concatenate([VECTORS, 99 * np.ones((3, 4, 4))], axis=1)
    mask = np.pad(MASK, ((0, 0), (0, 4)))
    expected = scratch.masked_mean(VECTORS, MASK)
    np.testing.assert_allclose(scratch.masked_mean(filled, mask), expected)
    np.testing.assert_allclose(scratch.masked_mean(filled[:, ::-1], mask[:, ::-1]), expected)
    np.testing.assert_allclose(scratch.masked_mean(VECTORS, np.ones((3, 5))), VECTORS.mean(axis=1))


def test_frames_without_overlap_put_the_signal_together_again():
    assert (scratch.frame_signal(SIGNAL, 10, 10).ravel() == SIGNAL).all()
    assert len(scratch.frame_signal(SIGNAL, 8, 3)) == scratch.conv_output_size(50, 8, 3)


def test_frames_are_a_copy():
    frames = scratch.frame_signal(SIGNAL, 10, 5)
    frames[:] = 0
    assert SIGNAL.any()


def test_an_envelope_has_no_loudness():
    middles = (np.arange(1000) + 0.5) * 4  # 0 … 4000 Hz
    np.testing.assert_allclose(scratch.cepstral_envelope(CEPSTRUM, middles, 8000).mean(axis=1), 0, atol=1e-12)
