"""Exercises of chapter 12, convolutional networks for speech."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["bin_of_tone", "louder", "triangle"]

bin_of_tone = Question(
    "ch12.bin_of_tone",
    32,
    why="The frame lasts 256 / 8,000 s = 32 ms; a tone of 1,000 Hz swings 32 times in it, and bin k swings k times.",
    hints=[
        "How long does the frame last, in seconds?",
        "How often does the tone swing in that time? Bin k is the tone that swings k times within the frame.",
        "Or solve k · 8000 / 256 = 1000 for k.",
    ],
    mistakes={
        31: "31.25 Hz is the distance from bin to bin: count how many of these make 1,000 Hz.",
        31.25: "That is the distance from bin to bin, in hertz: count how many of these make 1,000 Hz.",
        8: "8 samples make one swing: count how many swings fit into the frame.",
        33: "Bins are counted from 0: bin 0 does not swing at all.",
        64: "Bins go up to half the sampling rate, 4,000 Hz, in 128 steps.",
    },
)


def _triangle(frequency, left, peak, right):
    return np.maximum(0, np.minimum((frequency - left) / (peak - left), (right - frequency) / (right - peak)))


triangle = Exercise(
    "ch12.triangle",
    _triangle,
    [
        (np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 1.0, 2.0, 3.0),
        (np.array([100.0, 150.0, 200.0, 300.0, 400.0, 500.0]), 100.0, 200.0, 400.0),
        (np.linspace(0.0, 4000.0, 9), 1500.0, 1700.0, 3300.0),
    ],
    hints=[
        "Two straight lines: one rises from `left` (0) to `peak` (1), the other falls from there to `right` (0).",
        "The rising one is (frequency - left) / (peak - left). At each frequency the lower of the two lines counts.",
        "np.minimum of both lines, and np.maximum with 0 for what lies beyond.",
    ],
    mistakes=[
        (
            lambda f, left, peak, right: np.minimum((f - left) / (peak - left), (right - f) / (right - peak)),
            "Beyond left and right the lines fall below zero; the triangle stays at zero there.",
        ),
        (
            lambda f, left, peak, right: np.clip((f - left) / (peak - left), 0, 1),
            "This rises and stays at 1; the triangle must fall again behind its peak.",
        ),
        (
            lambda f, left, peak, right: np.maximum(0, 1 - np.abs(f - peak) / (peak - left)),
            "The two sides need not be equally wide: the falling one ends at `right`.",
        ),
        (
            lambda f, left, peak, right: _triangle(f, left, peak, right) * 2 / (right - left),
            "Its height should be 1 at the peak, however wide it is.",
        ),
    ],
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
