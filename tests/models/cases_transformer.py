"""Tiny configurations of the builders in `bmkit.models.transformer`, the richest of each last."""

from parameters import block, dense

from bmkit import models


def bert_classifier(num_classes, **arguments):
    return models.bert_classifier(models.bert(**arguments), num_classes)


def bert_masked_lm(num_places, **arguments):
    return models.bert_masked_lm(models.bert(**arguments), num_places)


CASES = [
    (
        "transformer",
        models.transformer,
        {
            "source_vocabulary": 7,
            "target_vocabulary": 7,
            "width": 16,
            "depth": 1,
            "num_heads": 2,
            "positions": "rotary",
        },
        2 * 7 * 16 + block(16) + block(16, attentions=2) + 2 * 2 * 16 + dense(16, 7),
    ),
    (
        "transformer_classifier",
        models.transformer_classifier,
        {"vocabulary_size": 7, "num_classes": 3, "width": 16, "depth": 1, "num_heads": 2, "pool": "last"},
        7 * 16 + block(16) + 2 * 16 + dense(16, 3),
    ),
    (
        "bert",
        models.bert,
        {"vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 7),
    ),
    (
        "bert_classifier",
        bert_classifier,
        {"num_classes": 3, "vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 3),
    ),
    (
        "bert_masked_lm",
        bert_masked_lm,
        {"num_places": 6, "vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 7),
    ),
]
