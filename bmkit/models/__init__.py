"""Model builders, one file per family. A builder returns an uncompiled Keras model that ends in logits.

A model reads in fixed sections: its inputs, its body, its head; it uses `keras` alone, so that it runs on the
TensorFlow, JAX and PyTorch backends.
"""

from bmkit.models.cnn import article_cnn, cnn
from bmkit.models.mlp import mlp
from bmkit.models.sequence import sequence_classifier

__all__ = ["article_cnn", "cnn", "mlp", "sequence_classifier"]
