"""Exercises of chapter 12, convolutional networks for speech."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["folded_tone", "listener", "log_mel", "louder", "own_accent"]

_random = np.random.default_rng(12)

folded_tone = Question(
    "ch12.folded_tone",
    96,
    why="Its samples are those of 8,000 - 5,000 = 3,000 Hz, and 3,000 / 31.25 = 96. This is aliasing; a filter "
    "must take away what lies above half the rate before a sound is sampled.",
    hints=[
        "A tone of 5,000 Hz turns by 5/8 from one sample to the next. How does that differ from 3/8 backwards?",
        "A cosine is the same backwards and forwards: cos(2π · 5n/8) = cos(2π · 3n/8) for every whole n.",
        "So the samples are those of a slower tone, of 8,000 - 5,000 Hz. In which bin is that one?",
    ],
    mistakes={
        160: "Tone 160 would be the name of it, but the bins end at 128, which is 4,000 Hz.",
        128: "The last bin is 4,000 Hz. The tone is not put there: look at which slower tone has the same samples.",
        32: "That is 1,000 Hz, what is left of 5,000 above 4,000: the tone is mirrored at 4,000 Hz, not shifted by it.",
        3000: "That is its frequency in hertz; say how many bins of 31.25 Hz it is.",
        0: "Its samples are not zero. Write down the first few of cos(2π · 5n/8).",
    },
)


louder = Question(
    "ch12.louder",
    20,
    why="The power is a sum of squares: ten times the pressure is 100 times the power, and 10·log₁₀ 100 = 20.",
    hints=[
        "The Fourier sums grow tenfold, like the samples. And the power, which is made of their squares?",
        "10 · log₁₀(100 · P) = 10 · log₁₀ 100 + 10 · log₁₀ P.",
    ],
    mistakes={
        10: "That would be ten times the power. The power is made of squares.",
        100: "That is the factor of the power; in decibels it is 10 · log₁₀ of it.",
        2: "log₁₀ 100 = 2; a decibel is a tenth of that unit.",
        0: "The power itself is written in decibels, not its share of the total: it rises everywhere.",
    },
)


def _log_mel(power, filters):
    bands = power @ filters
    return 10 * np.log10(np.maximum(bands, 1e-10))


def _decibels_added_up(power, filters):
    return 10 * np.log10(np.maximum(power, 1e-10)) @ filters


def _without_floor(power, filters):
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power @ filters)


_filters = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])

log_mel = Exercise(
    "ch12.log_mel",
    _log_mel,
    [
        (np.array([[7.0, 1.0, 0.0, 10.0]]), _filters),
        (np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 4.0, 8.0]]), _filters),
        (_random.uniform(0, 100, size=(5, 6)), _random.uniform(0, 1, size=(6, 3))),
        (np.zeros((2, 4)), _filters),
    ],
    hints=[
        "Which of the two comes first: adding up the power under each triangle, or the logarithm?",
        "power @ filters is the power in each band. Is every one of these numbers large enough for a logarithm?",
        "np.maximum(…, 1e-10) lifts the silent ones before np.log10 sees them.",
    ],
    mistakes=[
        (
            _decibels_added_up,
            "You added up decibels, which multiplies powers: add up the power first, then take the logarithm.",
        ),
        (_without_floor, "A silent band gives the logarithm of 0: lift every power to 1e-10 at least before."),
        (
            lambda power, filters: 20 * np.log10(np.maximum(power @ filters, 1e-10)),
            "20 · log₁₀ is for pressure; the numbers are powers already, which takes 10 · log₁₀.",
        ),
        (
            lambda power, filters: 10 * np.log(np.maximum(power @ filters, 1e-10)),
            "np.log is the natural logarithm; decibels are made with np.log10.",
        ),
    ],
)

settings = {  # of the layer, as in the chapter
    "sampling_rate": 8000,
    "fft_length": 256,
    "sequence_length": 256,
    "sequence_stride": 160,
    "num_mel_bins": 32,
    "min_freq": 60,
    "max_freq": 4000,
}


def _listener(samples, classes):
    waves = keras.Input((samples,))
    pictures = keras.layers.MelSpectrogram(**settings)(waves)  # (batch, bands, frames)
    pictures = keras.ops.expand_dims(pictures, -1)  # (batch, bands, frames, 1)
    maps = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(pictures)
    maps = keras.layers.MaxPooling2D(2)(maps)
    means = keras.layers.GlobalAveragePooling2D()(maps)  # (batch, 8)
    return keras.Model(waves, keras.layers.Dense(classes)(means))


def _changed(
    padding="same",
    activation="relu",
    pooling=keras.layers.MaxPooling2D,
    mean=keras.layers.GlobalAveragePooling2D,
    end=None,
    order=(0, 1, 2),
    to_decibels=True,
):
    """Make a frequent wrong listener: one choice differs."""

    def build(samples, classes):
        waves = keras.Input((samples,))
        pictures = keras.layers.MelSpectrogram(**settings, power_to_db=to_decibels)(waves)
        maps = keras.ops.expand_dims(keras.ops.transpose(pictures, order), -1)
        maps = keras.layers.Conv2D(8, 3, padding=padding, activation=activation)(maps)
        means = mean()(pooling(2)(maps))
        return keras.Model(waves, keras.layers.Dense(classes, activation=end)(means))

    return build


def _logits_of_noise(model) -> np.ndarray:
    """Give a model fixed weights and three noisy sounds: what it answers tells how it is built."""
    random = np.random.default_rng(12)
    model.set_weights([random.normal(scale=0.3, size=weight.shape) for weight in model.get_weights()])
    sounds = random.normal(scale=0.1, size=(3, model.input_shape[1])).astype("float32")
    sounds[1, ::7] += 1.0  # clicks
    return keras.ops.convert_to_numpy(model(sounds))


listener = Exercise(
    "ch12.listener",
    _listener,
    [(4000, 10), (1600, 3), (2400, 2)],
    hints=[
        "Six layers in a row: the spectrogram, an axis for the channel, convolution, pooling, mean, dense.",
        "keras.ops.expand_dims(pictures, -1), or a Reshape layer, gives the convolution the axis of channels it needs.",
        "Convolution and pooling are as in word_cnn; the mean leaves one number a filter, which Dense can read.",
    ],
    mistakes=[
        (_changed(end="softmax"), "The model should end in logits: leave the softmax to the loss."),
        (_changed(activation=None), "The convolution has no ReLU."),
        (_changed(padding="valid"), 'The convolution keeps the size: padding="same".'),
        (_changed(pooling=keras.layers.AveragePooling2D), "This is average pooling; keep the largest of each block."),
        (
            _changed(mean=keras.layers.GlobalMaxPooling2D),
            "You took the largest value of each map; take its mean, with GlobalAveragePooling2D.",
        ),
        (
            _changed(mean=keras.layers.Flatten),
            "Flatten keeps every place apart; GlobalAveragePooling2D leaves one number, the mean, of each map.",
        ),
        (
            _changed(to_decibels=False),
            "Your pictures hold power; leave power_to_db at its default, and they hold decibels.",
        ),
        (_changed(order=(0, 2, 1)), "You exchanged bands and frames; leave them in the order of the layer."),
    ],
    probe=_logits_of_noise,
    tolerance=1e-3,
)

own_accent = Question(
    "ch12.own_accent",
    0.06,  # six draws of the clips gave 0.058 to 0.067; without one of the other accents 0.011 to 0.015
    why="0.04 to 0.08 is right. Leaving out one of the other accents costs about 0.01, as there are fewer clips then: "
    "most of the fall is the accent. Perhaps an accent changes a word's sounds, a voice only their colour.",
    hints=[
        "right_without takes a table of 1,840 × 1,840: True where a clip must not be the neighbour.",
        "With the table from the text each clip may choose among all others. What share is right then?",
        "Take the mean of that, and subtract the mean of known.",
    ],
    mistakes={
        0.74: "That is the share with all other clips; subtract the mean of known.",
        0.68: "That is the share of known; subtract it from the share with all other clips.",
        -0.06: "You subtracted the other way round.",
        0.09: "That is the distance to unheard, which also lacks the voice; compare with known.",
    },
    tolerance=0.02,
)
