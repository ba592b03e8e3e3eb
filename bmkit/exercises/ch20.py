"""Exercises of chapter 20, machine translation."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["best_candidates", "decoder_mask", "strings_bleu", "three_parts"]

_random = np.random.default_rng(20)

three_parts = Question(
    "ch20.three_parts",
    0.0,
    why="Nothing in the training phrases has three parts, and hardly one of them is right.",
    hints=["Has the network ever had to write a third part?", "Chapter 16 asked for another century."],
    mistakes={
        1: "Joining three is a rule to us; the network learned what its examples forced it to learn.",
        0.8: "So it would be if a third part were as easy as the first two; but the network never saw one.",
        0.5: "Fewer: it never saw a third part.",
    },
    tolerance=0.15,
)


def _decoder_mask(written):
    time = np.arange(written.shape[1])
    causal = time[:, np.newaxis] >= time
    return causal & (written != 0)[:, np.newaxis]


def _causal_only(written):
    time = np.arange(written.shape[1])
    return np.repeat((time[:, np.newaxis] >= time)[np.newaxis], len(written), axis=0)


def _padding_only(written):
    return np.repeat((written != 0)[:, np.newaxis], written.shape[1], axis=1)


def _mirrored(written):
    time = np.arange(written.shape[1])
    return (time[:, np.newaxis] <= time) & (written != 0)[:, np.newaxis]


def _not_itself(written):
    time = np.arange(written.shape[1])
    return (time[:, np.newaxis] > time) & (written != 0)[:, np.newaxis]


def _rows_of_padding(written):
    time = np.arange(written.shape[1])
    return (time[:, np.newaxis] >= time) & (written != 0)[:, :, np.newaxis]


def _rows_as_well(written):
    return _decoder_mask(written) & (written != 0)[:, :, np.newaxis]


decoder_mask = Exercise(
    "ch20.decoder_mask",
    _decoder_mask,
    [
        (np.array([[1, 5, 4, 0], [1, 3, 0, 0]]),),
        (np.array([[1, 2, 3]]),),
        (_random.integers(0, 3, (3, 6)),),
    ],
    hints=[
        "A row is a place that writes, a column one that is seen: which columns are not later than the row?",
        "np.tril(np.ones((m, m), bool)) is the causal half; padding closes whole columns.",
        "causal & (written != 0)[:, np.newaxis] has the shape (batch, m, m).",
    ],
    mistakes=[
        (_causal_only, "The later places are hidden; hide the padding as well."),
        (_padding_only, "The padding is hidden; hide the later places as well."),
        (_mirrored, "Each place sees what comes after it: turn the triangle."),
        (_not_itself, "Each place may see itself, too."),
        (_rows_as_well, "The columns are right; leave the rows of padding open, their loss is not counted."),
        (_rows_of_padding, "Padding must not be looked at: close its columns, not its rows."),
    ],
)


def _best_candidates(candidates, beams):
    def score(candidate):
        tokens, total = candidate
        return total / (len(tokens) - 1)

    return sorted(candidates, key=score, reverse=True)[:beams]


def _as_found(candidates, beams):
    return sorted(candidates, key=lambda one: one[1])[:beams]


def _still_sums(candidates, beams):
    return sorted(candidates, key=lambda one: one[1], reverse=True)[:beams]


def _worst_means(candidates, beams):
    return sorted(candidates, key=lambda one: one[1] / (len(one[0]) - 1))[:beams]


def _start_counted(candidates, beams):
    return sorted(candidates, key=lambda one: one[1] / len(one[0]), reverse=True)[:beams]


best_candidates = Exercise(
    "ch20.best_candidates",
    _best_candidates,
    [
        ([([0, 5], -1.0), ([0, 5, 6, 7, 8], -1.6), ([0, 9, 4], -3.0)], 2),
        ([([0, 5], -1.0), ([0, 5, 6, 7], -2.4), ([0, 9, 4], -1.3), ([0, 2], -0.9)], 3),
        ([([0, 3, 1], -1.1), ([0, 2, 2, 2], -1.5)], 1),
        ([([0, 1], -0.6), ([0, 1, 2, 3], -1.3)], 1),
    ],
    hints=[
        "Log probabilities are negative: is the best the largest or the smallest?",
        "A mean divides by the number of tokens written; the start token was not written.",
        "score = total / (len(tokens) - 1), and sorted(…, reverse=True).",
    ],
    mistakes=[
        (_as_found, "This is the function as you found it: mend the score, and the order."),
        (_still_sums, "The order is right; the sum favours short texts: divide by the tokens written."),
        (_worst_means, "The means are right; sorted begins with the smallest, which is the worst."),
        (_start_counted, "The start token was not written; divide by len(tokens) - 1."),
    ],
)

strings_bleu = Question(
    "ch20.strings_bleu",
    21.5,
    why="Three times the epochs bring it a good deal closer, and the memory, never trained, stays ahead.",
    hints=[
        "other = build(len(string_words) + 2, len(string_signs) + 3); trained(other, x_strings, y_strings, epochs=12).",
        "generate.translate(other, source, **options) writes rows of tokens; text_of(row, sign_of_string) spells one.",
        'bleu(measured(written, strings["test"][1], "zh")["BLEU"].sum(axis=0))',
    ],
    mistakes={
        32.6: "That is the memory's; measure what the network writes.",
        97: "That is near its BLEU on phrases; give it the strings.",
        0.21: "BLEU is given from 0 to 100.",
        7: "That is near what four epochs give; train for twelve.",
        0.6: "That is near what copying the source reaches.",
    },
    tolerance=0.25,
)
