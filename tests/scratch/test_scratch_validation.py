"""Folds and the cross-validation estimate: worked by hand, their promises, and held against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_score

from bmkit import scratch

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.choice(4, size=53, p=[0.5, 0.2, 0.15, 0.15])
LABELS[:4] = range(4)  # scikit-learn numbers the classes as they appear: so each one does, in order
GROUPS = RANDOM.choice(["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"], size=53)
FOLDS = {
    "plain": lambda k: scratch.k_fold(53, k),
    "shuffled": lambda k: scratch.k_fold(53, k, seed=1),
    "stratified": lambda k: scratch.stratified_k_fold(LABELS, k),
    "stratified, shuffled": lambda k: scratch.stratified_k_fold(LABELS, k, seed=1),
    "grouped": lambda k: scratch.group_k_fold(GROUPS, k),
}

HAND = [
    ("k_fold", (7, 3), [[0, 1, 2], [3, 4], [5, 6]]),
    ("k_fold", (3, 3), [[0], [1], [2]]),
    ("stratified_k_fold", (np.array([1, 0, 1, 0, 0, 1]), 3), [[0, 1], [2, 3], [4, 5]]),
    ("stratified_k_fold", (np.array(["b", "a", "a", "b", "a"]), 2), [[1, 3, 4], [0, 2]]),
    ("group_k_fold", (np.array([5, 5, 6, 6, 6, 7]), 2), [[2, 3, 4], [0, 1, 5]]),
    ("cross_validation_estimate", ([np.array([0.0, 2.0]), np.array([4.0])],), 2.5),
    ("cross_validation_estimate", ([1.0, 2.0, 6.0],), 3.0),
    ("cross_validation_standard_error", ([np.array([0.0, 2.0]), np.array([4.0])],), 1.5),
    ("cross_validation_standard_error", ([1.0, 2.0, 6.0],), np.sqrt(7 / 3)),
]

ERRORS = [
    *[("k_fold", (5, k), "number of rows") for k in (-1, 0, 1, 6)],
    *[("stratified_k_fold", (np.zeros(5), k), "number of rows") for k in (1, 6)],
    *[("group_k_fold", (np.array([1, 1, 2]), k), "number of groups") for k in (1, 3)],
    ("cross_validation_estimate", ([np.ones(3)],), "two or more"),
    ("cross_validation_standard_error", ([],), "two or more"),
]


def rows_hidden(splits):
    return [test.tolist() for _, test in splits]


def counts(folds, of):
    return sorted(np.unique(of[fold], return_counts=True)[1].tolist() for fold in folds)


@pytest.mark.parametrize("k", [2, 3, 5, 7, 8])
@pytest.mark.parametrize("kind", FOLDS)
def test_every_row_is_hidden_exactly_once(kind, k):
    folds = FOLDS[kind](k)
    assert len(folds) == k and all(len(fold) and (np.diff(fold) > 0).all() for fold in folds)
    assert sorted(np.concatenate(folds)) == list(range(53))
    if kind != "grouped":
        assert np.ptp([len(fold) for fold in folds]) <= 1


@pytest.mark.parametrize("k", [2, 3, 5, 10, 53])
def test_plain_folds_are_those_of_scikit_learn(k):
    assert [fold.tolist() for fold in scratch.k_fold(53, k)] == rows_hidden(KFold(k).split(LABELS))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", [None, 3])
def test_stratified_folds_have_the_counts_of_scikit_learn(k, seed):
    theirs = [test for _, test in StratifiedKFold(k).split(LABELS, LABELS)]
    assert counts(scratch.stratified_k_fold(LABELS, k, seed), LABELS) == counts(theirs, LABELS)


@pytest.mark.parametrize("k", [2, 4, 8, 20])
def test_a_class_is_spread_evenly(k):
    for label in range(4):
        share = [np.sum(LABELS[fold] == label) for fold in scratch.stratified_k_fold(LABELS, k, seed=2)]
        assert np.ptp(share) <= 1


@pytest.mark.parametrize("k", [2, 3, 5, 8])
def test_grouped_folds_keep_groups_whole_and_are_as_large_as_those_of_scikit_learn(k):
    folds = scratch.group_k_fold(GROUPS, k)
    homes = [set(GROUPS[fold]) for fold in folds]
    assert sum(len(home) for home in homes) == len(set(GROUPS))
    theirs = [test for _, test in GroupKFold(k).split(GROUPS, groups=GROUPS)]
    assert sorted(map(len, folds)) == sorted(map(len, theirs))


def test_a_seed_gives_the_same_folds_again_and_another_seed_others():
    for make in (lambda seed: scratch.k_fold(53, 5, seed), lambda seed: scratch.stratified_k_fold(LABELS, 5, seed)):
        first, again, other = (np.concatenate(make(seed)).tolist() for seed in (1, 1, 2))
        assert first == again != other


def test_the_estimate_is_that_of_scikit_learn():
    x = RANDOM.normal(size=(53, 3))
    y = x @ [1.0, -2.0, 0.5] + RANDOM.normal(size=53)
    losses, scores = [], -cross_val_score(LinearRegression(), x, y, cv=KFold(6), scoring="neg_mean_squared_error")
    for fold in scratch.k_fold(53, 6):
        known = np.setdiff1d(np.arange(53), fold)
        losses.append((LinearRegression().fit(x[known], y[known]).predict(x[fold]) - y[fold]) ** 2)
    assert scratch.cross_validation_estimate(losses) == pytest.approx(scores.mean())
    assert scratch.cross_validation_standard_error(losses) == pytest.approx(scores.std(ddof=1) / np.sqrt(6))


def test_estimate_and_error_follow_the_unit_and_ignore_the_order_of_folds():
    losses = [RANDOM.exponential(size=size) for size in (4, 5, 5)]
    for formula in (scratch.cross_validation_estimate, scratch.cross_validation_standard_error):
        assert formula([3 * fold for fold in losses]) == pytest.approx(3 * formula(losses))
        assert formula(losses[::-1]) == pytest.approx(formula(losses))
    assert scratch.cross_validation_standard_error([2.0, 2.0]) == 0
