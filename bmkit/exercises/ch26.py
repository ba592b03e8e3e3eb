"""Exercises of chapter 26, speech to text."""

import itertools

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["decode", "mean_left_in", "paths", "small_reader"]

paths = Question(
    "ch26.paths",
    5,
    why="A blank must keep the two apart: one – one – and – one – one, one – – one, one one – one and one – one one.",
    hints=[
        "Without a blank between them, one one is a single word. What must every path hold?",
        "one, –, one take three frames. The fourth is one more blank or one more one: where can it stand?",
        "Count [path for path in itertools.product((0, 1, 2), repeat=4) if ctc_collapse(path) == [1, 1]].",
    ],
    mistakes={
        15: "That many spell two different words, such as one two: there no blank is needed between them.",
        4: "The fourth frame may be a blank or a one, and a blank may stand in front, behind or in the middle.",
        3: "Those are the paths with one more blank; the fourth frame may also be one more one, first or last.",
        6: "That is the number of ways to choose two frames of four; two of the paths hold three ones.",
        2: "Those are the paths with three ones; there are also some with two blanks.",
        81: "That is the number of all paths; count those that spell one one.",
    },
)


def _decode(path):
    return [int(label) for label, _ in itertools.groupby(path) if label != 0]


def _blanks_first(path):
    return [label for label, _ in itertools.groupby(label for label in path if label != 0)]


def _no_merging(path):
    return [label for label in path if label != 0]


def _with_blanks(path):
    return [label for label, _ in itertools.groupby(path)]


def _each_once(path):
    return list(dict.fromkeys(label for label in path if label != 0))


decode = Exercise(
    "ch26.decode",
    _decode,
    [
        ([1, 0, 1],),
        ([0, 3, 3, 0, 3, 1, 0],),
        ([2, 2, 2, 5, 5, 2],),
        ([0, 0, 0],),
        ([7],),
    ],
    hints=[
        "Follow the path one – one through the two lines. After which of them is the doubled digit lost?",
        "Two rules, in this order: first merge repeats, then drop the blanks.",
        "Take itertools.groupby of the path itself; of its labels, keep those that are not 0.",
    ],
    mistakes=[
        (_blanks_first, "Here blanks are dropped first, so that one – one becomes one one and is merged: merge first."),
        (_no_merging, "A word that lasts several frames comes out several times: merge repeats first."),
        (_with_blanks, "The blanks are still in it: drop them after merging."),
        (_each_once, "This keeps each digit once in the whole string; only neighbours are merged."),
    ],
)


def _small_reader(features, labels):
    inputs = keras.Input((None, features))
    h = keras.layers.Conv1D(32, 5, strides=2, padding="same", activation="relu")(inputs)
    h = keras.layers.Conv1D(32, 5, padding="same", activation="relu")(h)
    return keras.Model(inputs, keras.layers.Dense(labels + 1)(h))


def _made(*, extra=1, strides=2, padding="same", activation=None, time=None):
    def small_reader(features, labels):
        inputs = keras.Input((time, features))
        h = keras.layers.Conv1D(32, 5, strides=strides, padding=padding, activation="relu")(inputs)
        h = keras.layers.Conv1D(32, 5, padding=padding, activation="relu")(h)
        return keras.Model(inputs, keras.layers.Dense(labels + extra, activation=activation)(h))

    return small_reader


def _heard(model) -> np.ndarray:
    """Give the model fixed weights and let it read strings of two lengths: what comes out tells how it is made."""
    random = np.random.default_rng(26)
    features = model.input_shape[-1]
    model.set_weights([0.3 * random.normal(size=weight.shape) for weight in model.weights])
    outputs = [np.zeros((2, 0, model.output_shape[-1]))]
    for time in (23, 40):
        frames = random.normal(size=(2, time, features)).astype("float32")
        if model.input_shape[1] in (None, time):  # a model of one length refuses all others
            outputs.append(keras.ops.convert_to_numpy(model(frames)))
    return np.concatenate(outputs, axis=1)


small_reader = Exercise(
    "ch26.small_reader",
    _small_reader,
    [(13, 10), (4, 2), (1, 1)],
    hints=[
        "Look at digit_reader above. What must its input be when the length is not known?",
        "keras.Input((None, features)), and both convolutions with padding='same', so that no frame is lost.",
        "A CTC loss needs one class more than there are labels, and logits: Dense(labels + 1) without an activation.",
    ],
    mistakes=[
        (_made(extra=0), "There is no class for the blank: the last layer needs labels + 1 outputs."),
        (_made(activation="softmax"), "The CTC loss of Keras takes logits: leave out the softmax."),
        (_made(strides=1), "There is an output for each frame; the first convolution should have stride 2."),
        (_made(padding="valid"), "Frames are lost at both ends: use padding='same', so that half the time is left."),
        (_made(time=160), "This model reads strings of one length alone: its input should be (None, features)."),
        (_made(time=23), "This model reads strings of 23 frames alone: its input should be (None, features)."),
        (_made(padding="causal"), "These convolutions only look back; with padding='same' they look to both sides."),
    ],
    probe=_heard,
    tolerance=1e-4,
)

mean_left_in = Question(
    "ch26.mean_left_in",
    0.5,
    why="About half of the words are wrong: what voice, room and microphone do to all frames hides the words.",
    hints=[
        "Which two functions call scaled? Give both of them everybody in place of the voice, and learn the HMM again.",
        "In detailed, scaled(recordings[row], everybody); in frames_of, scaled(joined(string), everybody).",
        "Then transcripts = spot(hmm_of(KNOWN), test[1], PENALTY[hmm_of]), and rate(counts_of(test[1], transcripts)).",
    ],
    mistakes={
        0.02: "That is near the rate of the known speakers: use the strings of test[1].",
        0.275: "That is near the rate of the table: scale what is learned from and what is read by everybody.",
        0.31: "That is what comes out if only detailed is changed: scale what is read by everybody, too, in frames_of.",
        0.54: "That is what comes out if only frames_of is changed: scale what is learned from, too, in detailed.",
        0.63: "That is near the rate of stranger 2: use the strings of test[1].",
    },
    tolerance=0.031,
)
