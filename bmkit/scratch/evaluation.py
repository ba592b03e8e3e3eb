"""How good is a classifier, against which baseline, how sure may we be of it, and how large should the next step be?"""

import numpy as np

__all__ = ["accuracy", "confusion_matrix", "cosine_decay", "nearest_average", "wilson_interval"]


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of right answers: ``accuracy = (1/n) Σᵢ [ŷᵢ = yᵢ]``.

    Args:
        y_true: class numbers ``y``, shape ``(n,)``.
        y_pred: class numbers ``ŷ``, same shape.

    Returns:
        One number in [0, 1].

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> float(accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])))
        0.75

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 7.2,
        https://hastie.su.domains/ElemStatLearn/
    """
    y_true, y_pred = _one_answer_a_question(y_true, y_pred)
    return np.mean(y_true == y_pred)


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, classes: int) -> np.ndarray:
    """Count who was taken for whom: ``M[a, b] = Σᵢ [yᵢ = a][ŷᵢ = b]``.

    Args:
        y_true: class numbers in 0 … classes-1, shape ``(n,)``.
        y_pred: class numbers, same shape and range.
        classes: how many classes there are.

    Returns:
        Integers of shape ``(classes, classes)``, true classes in rows; they sum to n, and right answers lie
        on the diagonal.

    Raises:
        ValueError: the two shapes differ, or a class number is out of range.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
        array([[1, 1],
               [0, 1]])

    Reference:
        Stehman (1997), Selecting and interpreting measures of thematic classification accuracy,
        https://doi.org/10.1016/S0034-4257(97)00083-7
    """
    y_true, y_pred = _one_answer_a_question(y_true, y_pred)
    for numbers in (y_true, y_pred):
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < classes):
            raise ValueError(
                f"class numbers run from {numbers.min()} to {numbers.max()}, "
                f"but with {classes} classes they must lie in 0 … {classes - 1}."
            )
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (y_true, y_pred), 1)
    return counts


def nearest_average(x: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Answer with the class whose average example is nearest: ``ŷ = argminₖ ‖x - μₖ‖²``.

    A baseline for every classifier: it needs no training.

    Args:
        x: known examples, shape ``(n, …)``.
        labels: their class numbers, every one of 0 … classes-1 at least once, shape ``(n,)``.
        asked: examples to classify, shape ``(m, …)``.

    Returns:
        Class numbers, shape ``(m,)``.

    Raises:
        ValueError: not one label for each known example, a class without one, or examples of different shapes.

    Example:
        >>> nearest_average(np.array([[0.0], [2.0], [9.0]]), np.array([0, 0, 1]), np.array([[4.0], [6.0]]))
        array([0, 1])

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 4.3,
        https://hastie.su.domains/ElemStatLearn/
    """
    x, labels, asked = np.asarray(x, dtype=float), np.asarray(labels), np.asarray(asked, dtype=float)
    if labels.shape != x.shape[:1] or asked.shape[1:] != x.shape[1:]:
        raise ValueError(
            f"x {x.shape}, labels {labels.shape} and asked {asked.shape} do not fit; expected (n, …), (n,), (m, …)."
        )
    classes = np.unique(labels)
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(f"the labels are {classes}; expected class numbers 0 … classes-1, each with an example.")
    averages = np.array([x[labels == k].mean(axis=0) for k in classes])  # (classes, …)
    squares = (asked[:, np.newaxis] - averages) ** 2  # (m, classes, …)
    return squares.reshape(len(asked), len(classes), -1).sum(axis=2).argmin(axis=1)


def wilson_interval(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Plausible true accuracies: ``[p̂ + z²/2n ± z √(p̂(1-p̂)/n + z²/4n²)] / (1 + z²/n)`` with ``p̂ = right/n``.

    Args:
        right: right answers, in 0 … n.
        n: questions, independent of one another, ≥ 1.
        z: half-width in standard errors, > 0; 1.96 for 95 %.

    Returns:
        Lower and upper end, both in [0, 1].

    Raises:
        ValueError: no questions, more right answers than questions, or `z` not positive.

    Example:
        >>> [round(end, 3) for end in wilson_interval(95, 100)]
        [0.888, 0.978]

    Reference:
        Wilson (1927), Probable inference, the law of succession, and statistical inference,
        https://doi.org/10.1080/01621459.1927.10502953
    """
    if not (n >= 1 and 0 <= right <= n and z > 0):
        raise ValueError(f"right = {right}, n = {n}, z = {z}: expected n ≥ 1, 0 ≤ right ≤ n and z > 0.")
    share, shrink = right / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / shrink
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / shrink
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def cosine_decay(step: int, total: int, start: float) -> float:
    """Learning rate that shrinks to zero along half a cosine: ``η(t) = η₀ · ½ [1 + cos(π t / T)]``, and 0 after T.

    Args:
        step: steps done so far ``t``, ≥ 0.
        total: steps until it is zero ``T``, ≥ 1.
        start: first learning rate ``η₀``, > 0.

    Returns:
        The learning rate of the next step, in [0, start].

    Raises:
        ValueError: `total` below 1 or `step` negative.

    Example:
        >>> [round(float(cosine_decay(step, 4, 1.0)), 3) for step in (0, 2, 4)]
        [1.0, 0.5, 0.0]

    Reference:
        Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
        https://arxiv.org/abs/1608.03983
    """
    if total < 1 or step < 0:
        raise ValueError(f"step = {step}, total = {total}: expected step ≥ 0 and total ≥ 1.")
    return start * 0.5 * (1 + np.cos(np.pi * min(step, total) / total))


def _one_answer_a_question(y_true, y_pred) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or y_true.ndim != 1:
        raise ValueError(
            f"y_true has shape {y_true.shape} and y_pred {y_pred.shape}; expected (n,) for both: "
            "one class number for each question."
        )
    return y_true, y_pred
