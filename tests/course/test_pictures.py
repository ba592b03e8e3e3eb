"""Pictures that look alike pass, others are told: what another processor changes, and what a reader would notice."""

import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from bmkit.course.pictures import MOST, difference

X = np.linspace(0, 1, 50)


def png(draw, size=(6, 4)):
    figure = Figure(figsize=size)
    draw(figure.subplots())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80)
    return base64.b64encode(file.getvalue()).decode()


def curves(shift):
    noise = np.random.default_rng(0).normal(scale=0.02, size=50)
    return png(lambda axes: (axes.plot(X, np.exp(-3 * X) + shift + noise), axes.set(xlabel="epoch", ylim=(-0.1, 1.2))))


def bars(heights, color="tab:blue"):
    return png(lambda axes: (axes.bar(range(len(heights)), heights, color=color), axes.set(ylim=(0, 1))))


HEIGHTS = [0.5, 0.9, 0.8]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (curves(0), curves(0.05)),
        (bars(HEIGHTS), bars([0.51, 0.9, 0.79])),
        (bars(HEIGHTS), bars(HEIGHTS)),
    ],
    ids=["a curve five points higher", "bars one point higher", "the same"],
)
def test_what_another_processor_changes_looks_alike(one, other):
    assert difference(one, other) <= MOST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (bars(HEIGHTS), bars(HEIGHTS, color="tab:red")),
        (bars(HEIGHTS), bars([0.9, 0.5, 0.8])),
        (bars(HEIGHTS), bars([0.5, 0.9, 0.3])),
        (curves(0), bars(HEIGHTS)),
        (bars(HEIGHTS), png(lambda axes: axes.bar(range(3), HEIGHTS), size=(6, 6))),
        (bars(HEIGHTS), png(lambda axes: axes.axis("off"))),
    ],
    ids=["colour", "order", "a bar", "a picture", "proportions", "nothing"],
)
def test_what_a_reader_would_notice_is_noticed(one, other):
    assert difference(one, other) > MOST and difference(other, one) > MOST
