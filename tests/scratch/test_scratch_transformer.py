"""Tables and tests of `bmkit.scratch.transformer`; test_scratch.py runs the tables.

The block is held against `bmkit.layers.TransformerBlock` in tests/models/test_transformer.py, and against Keras'
own layers in chapter 16.
"""

import numpy as np
from scipy.stats import norm

from bmkit import scratch

SILENT = [np.zeros((2, 1, 2)), 0.0] * 3 + [np.zeros((1, 2, 2)), 0.0]
IDLE = [np.zeros((2, 8)), 0.0, np.zeros((8, 2)), 0.0]
NORMS = [(1.0, 0.0), (1.0, 0.0)]

HAND_TOLERANCE = 1e-6
HAND = [
    ("gelu", (np.array([0.0, 1.0, -1.0]),), [0.0, 0.84119199, -0.15880801]),
    ("transformer_block", (np.array([[[3.0, 5.0]]]), SILENT, IDLE, NORMS), [[[3.0, 5.0]]]),
    # Steps (-1, 1) and (1, -1) are their own norms; values are passed on, and everybody's mean is 0 but for the bias 2.
    (
        "transformer_block",
        (
            np.array([[[-1.0, 1.0], [1.0, -1.0]]]),
            [*SILENT[:4], np.eye(2)[:, None], 0.0, np.eye(2)[None], 2.0],
            IDLE,
            NORMS,
        ),
        [[[1.0, 3.0], [3.0, 1.0]]],
    ),
    ("transformer_block_parameters", (64,), 49_984),
]
ERRORS = [
    ("transformer_block", (np.zeros((1, 1, 2)), SILENT, IDLE, NORMS[:1]), "1 norms were given"),
    ("transformer_block_parameters", (0,), "width is 0"),
]


def test_gelu_is_close_to_the_number_times_its_share_of_the_bell_curve():
    z = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(scratch.gelu(z), z * norm.cdf(z), atol=5e-4)


def test_a_causal_block_does_not_see_what_comes_later():
    random = np.random.default_rng(0)
    attention = [random.normal(size=shape) for shape in ((4, 2, 2), (2, 2)) * 3 + ((2, 2, 4), (4,))]
    perceptron = [random.normal(size=shape) for shape in ((4, 16), (16,), (16, 4), (4,))]
    x = random.normal(size=(1, 5, 4))
    changed = x.copy()
    changed[0, 4] += 1
    one, other = (
        scratch.transformer_block(each, attention, perceptron, NORMS, mask=scratch.causal_mask(5))
        for each in (x, changed)
    )
    np.testing.assert_allclose(one[0, :4], other[0, :4], atol=1e-12)
    assert abs(one[0, 4] - other[0, 4]).max() > 0.1
