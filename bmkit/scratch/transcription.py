"""What was said, and when nobody knows when: connectionist temporal classification (CTC), and errors counted by words.

A network gives for each frame log-probabilities of the labels and of the blank, shape ``(time, classes)``. A *path*
has one class a frame; it spells what is left when repeats are merged and blanks are dropped. A word may also be a chain
of Gaussians, as in a hidden Markov model.
"""

from collections.abc import Hashable, Sequence

import numpy as np

__all__ = ["aligned", "ctc_beam_search", "ctc_collapse", "ctc_loss", "gaussian_states", "word_error_rate"]


def ctc_collapse(path: Sequence[int], *, blank: int = 0) -> list[int]:
    """Read what a path spells: merge repeats, then drop blanks, ``1 1 0 1 → 1 1``.

    Args:
        path: a class for each frame, shape ``(time,)``.
        blank: the class that stands for no label.

    Returns:
        The labels.

    Example:
        >>> ctc_collapse([0, 3, 3, 0, 3, 1])
        [3, 3, 1]

    Reference:
        Graves et al. (2006), Connectionist temporal classification, section 3.1, https://doi.org/10.1145/1143844.1143891
    """
    path = np.asarray(path, int)
    changes = np.append(True, path[1:] != path[:-1])[: len(path)]
    return path[changes & (path != blank)].tolist()


def ctc_loss(log_p: np.ndarray, target: Sequence[int], *, blank: int = 0) -> float:
    """Add up all paths that spell the target, by the forward algorithm: ``-ln Σ_π Π_t p_t(π_t)``.

    Args:
        log_p: natural logarithms of probabilities, shape ``(time, classes)``.
        target: the labels, none of them the blank.
        blank: the class that stands for no label.

    Returns:
        The loss in nats; infinite when no path is long enough.

    Raises:
        ValueError: the target holds a blank or a class that is not there, or there is no frame.

    Example:
        >>> halves = np.log(np.full((2, 2), 0.5))
        >>> round(float(np.exp(-ctc_loss(halves, [1]))), 3)  # 1 1, 0 1 and 1 0 of four paths
        0.75

    Reference:
        Graves et al. (2006), Connectionist temporal classification, section 4.1, https://doi.org/10.1145/1143844.1143891
    """
    log_p, target = np.asarray(log_p, float), np.asarray(target, int)
    if log_p.ndim != 2 or not len(log_p) or np.any((target == blank) | (target < 0) | (target >= log_p.shape[1])):
        raise ValueError(
            f"the target {target.tolist()} with log-probabilities of shape {log_p.shape}: expected (time, classes) "
            f"with a frame at least, and labels among the classes other than the blank, {blank}."
        )
    states = np.full(2 * len(target) + 1, blank)  # blank, label, blank, label, …, blank
    states[1::2] = target
    jump = np.zeros(len(states), bool)  # a state may be reached over the blank before it
    jump[3::2] = target[1:] != target[:-1]
    alpha = np.full(len(states), -np.inf)
    alpha[:2] = log_p[0, states[:2]]
    for frame in log_p[1:]:
        one = np.append(-np.inf, alpha[:-1])
        two = np.where(jump, np.append([-np.inf, -np.inf], alpha)[: len(states)], -np.inf)
        alpha = np.logaddexp(np.logaddexp(alpha, one), two) + frame[states]
    return float(-np.logaddexp.reduce(alpha[-2:]))


def ctc_beam_search(log_p: np.ndarray, *, beams: int = 8, blank: int = 0) -> tuple[list[int], float]:
    """Look for the labels whose paths have the largest sum, keeping the best beginnings after each frame.

    Of each beginning two sums are kept, of the paths that end in a blank and of those that end in a label: only the
    first can be followed by the same label again.

    Args:
        log_p: natural logarithms of probabilities, shape ``(time, classes)``.
        beams: how many beginnings are kept.
        blank: the class that stands for no label.

    Returns:
        The labels, and the logarithm of the sum of their paths; where beginnings were dropped, a lower bound of it.

    Raises:
        ValueError: there is no beam.

    Example:
        >>> p = np.array([[0.6, 0.4], [0.6, 0.4]])  # blank, blank is the best path, and yet …
        >>> labels, log_sum = ctc_beam_search(np.log(p))
        >>> labels, round(float(np.exp(log_sum)), 2)
        ([1], 0.64)

    Reference:
        Hannun et al. (2014), First-pass large vocabulary continuous speech recognition using bi-directional recurrent
        DNNs, algorithm 1, https://arxiv.org/abs/1408.2873
    """
    if beams < 1:
        raise ValueError(f"beams is {beams}; keep at least one beginning.")
    kept = {(): (0.0, -np.inf)}  # from a beginning to its two sums: paths that end in a blank, in its last label
    for frame in np.asarray(log_p, float):
        grown: dict[tuple, list[float]] = {}
        for labels, (in_blank, in_label) in kept.items():
            both = np.logaddexp(in_blank, in_label)
            _add(grown, labels, 0, both + frame[blank])
            if labels:
                _add(grown, labels, 1, in_label + frame[labels[-1]])
            for label in range(len(frame)):
                if label != blank:
                    before = in_blank if labels and labels[-1] == label else both
                    _add(grown, (*labels, label), 1, before + frame[label])
        best = sorted(grown, key=lambda labels: -np.logaddexp(*grown[labels]))[:beams]
        kept = {labels: tuple(grown[labels]) for labels in best}
    labels = max(kept, key=lambda one: np.logaddexp(*kept[one]))
    return list(labels), float(np.logaddexp(*kept[labels]))


def _add(sums: dict[tuple, list[float]], labels: tuple, place: int, log_sum: float) -> None:
    pair = sums.setdefault(labels, [-np.inf, -np.inf])
    pair[place] = np.logaddexp(pair[place], log_sum)


def gaussian_states(
    recordings: Sequence[np.ndarray], states: int, *, rounds: int = 3, floor: float = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    """Learn a word as a chain of states, each a Gaussian with a diagonal covariance: ``x_t ~ N(μ_s, diag σ_s²)``.

    Segmental k-means: at first each recording is cut into pieces of equal length, one a state. Then the Gaussians are
    estimated from their pieces, and each recording is cut anew where its density is highest; a path stays in a
    state, goes on to the next, or skips one. A recording too short for the chain keeps its equal pieces.

    Args:
        recordings: frames of the same word, each of shape ``(time, coefficients)``.
        states: length of the chain.
        rounds: how often the recordings are cut, and the Gaussians estimated.
        floor: is added to each variance, times the variance of all frames, so that none becomes too small.

    Returns:
        Means and variances, both of shape ``(states, coefficients)``.

    Raises:
        ValueError: there is no recording, no state or no round, or a state gets no frame.

    Example:
        >>> steps = np.repeat([[0.0], [5.0], [1.0]], 4, axis=0)  # one coefficient, 12 frames
        >>> gaussian_states([steps, steps[1:]], 3)[0].round(1).ravel().tolist()
        [0.0, 5.0, 1.0]

    Reference:
        Rabiner (1989), A tutorial on hidden Markov models and selected applications in speech recognition, section
        VI.D, https://doi.org/10.1109/5.18626
    """
    recordings = [np.asarray(frames, float) for frames in recordings]
    if not recordings or states < 1 or rounds < 1:
        raise ValueError(
            f"{len(recordings)} recordings, {states} states, {rounds} rounds; expected one of each at least."
        )
    frames = np.concatenate(recordings)
    least = floor * frames.var(axis=0)
    cuts = [np.arange(len(one)) * states // len(one) for one in recordings]  # the state of each frame
    for _ in range(rounds):
        state = np.concatenate(cuts)
        if missing := set(range(states)) - set(state.tolist()):
            raise ValueError(f"state {min(missing)} of {states} gets no frame; take fewer states or longer recordings.")
        pieces = [frames[state == number] for number in range(states)]
        means = np.array([piece.mean(axis=0) for piece in pieces])
        variances = np.array([piece.var(axis=0) for piece in pieces]) + least
        if not variances.all():
            raise ValueError("a coefficient never changes, so its variance is 0; leave it out.")
        cuts = [_cut(one, means, variances) for one in recordings]
    return means, variances


def _cut(frames: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Give each frame its state on the cheapest way from the first state to the last, by the Viterbi algorithm."""
    length, states = len(frames), len(means)
    if 2 * (length - 1) < states - 1:  # with steps of two the last state is out of reach
        return np.arange(length) * states // length
    costs = 0.5 * ((frames[:, None] - means) ** 2 / variances + np.log(variances)).sum(axis=-1)
    ways = np.full((3, states), np.inf)  # stay, go on, skip one
    ways[0, 0] = 0.0
    steps = np.zeros((length, states), int)
    for t, row in enumerate(costs):
        steps[t] = ways.argmin(axis=0)
        total = ways.min(axis=0) + row
        ways = np.array([np.append(np.full(step, np.inf), total)[:states] for step in range(3)])
    cut = np.zeros(length, int)
    state = states - 1
    for t in reversed(range(length)):
        cut[t] = state
        state -= steps[t, state]
    return cut


def aligned(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> list[tuple]:
    """Lay two texts side by side with as few differences as possible (Levenshtein's distance).

    Args:
        reference: the words, or letters, that are right.
        hypothesis: those that were recognised.

    Returns:
        Pairs ``(right, recognised)`` in order; None stands on the side where a word is missing: ``(word, None)`` is a
        deletion, ``(None, word)`` an insertion. Of equal alignments, one with pairs as late as possible.

    Example:
        >>> aligned("one two three".split(), "one three three oh".split())
        [('one', 'one'), ('two', 'three'), ('three', 'three'), (None, 'oh')]

    Reference:
        Wagner and Fischer (1974), The string-to-string correction problem, https://doi.org/10.1145/321796.321811
    """
    distance = np.zeros((len(reference) + 1, len(hypothesis) + 1), int)
    distance[:, 0] = np.arange(len(reference) + 1)
    distance[0] = np.arange(len(hypothesis) + 1)
    for i, right in enumerate(reference, start=1):
        for j, heard in enumerate(hypothesis, start=1):
            paired = distance[i - 1, j - 1] + (right != heard)
            distance[i, j] = min(paired, distance[i - 1, j] + 1, distance[i, j - 1] + 1)
    pairs: list[tuple] = []
    i, j = len(reference), len(hypothesis)
    while i or j:
        if i and j and distance[i, j] == distance[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], hypothesis[j]))
        elif i and distance[i, j] == distance[i - 1, j] + 1:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, hypothesis[j]))
    return pairs[::-1]


def word_error_rate(references: Sequence[Sequence], hypotheses: Sequence[Sequence]) -> float:
    """Count errors in a hundred words: ``(substitutions + deletions + insertions) / words of the references``.

    Args:
        references: the words of each text that is right, or its letters for a character error rate.
        hypotheses: those that were recognised, in the same order.

    Returns:
        At least 0; above 1 where much is inserted.

    Raises:
        ValueError: there are not as many of both, or the references have no word.

    Example:
        >>> word_error_rate([["one", "two"], ["three"]], [["one"], ["three", "oh"]])  # 2 errors, 3 words
        0.6666666666666666

    Reference:
        Jurafsky and Martin (2025), Speech and Language Processing, third edition draft, section on automatic speech
        recognition, https://web.stanford.edu/~jurafsky/slp3/
    """
    words = sum(map(len, references))
    if len(references) != len(hypotheses) or not words:
        raise ValueError(
            f"{len(references)} references with {words} words and {len(hypotheses)} hypotheses; expected as many of "
            "both, and one word at least."
        )
    errors = 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        errors += sum(right != heard for right, heard in aligned(reference, hypothesis))
    return errors / words
