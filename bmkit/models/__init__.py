"""Model builders, one file per family. A builder returns an uncompiled Keras model that ends in logits.

A model reads in fixed sections: its inputs, its body, its head; it uses `keras` alone, so that it runs on the
TensorFlow, JAX and PyTorch backends.
"""

from bmkit.models.cnn import article_cnn, cnn, spectrogram_cnn
from bmkit.models.gpt import CachedDecoder, gpt
from bmkit.models.mlp import mlp
from bmkit.models.resnet import resnet
from bmkit.models.rnn import rnn, rnn_encoder_decoder
from bmkit.models.sequence import sequence_classifier
from bmkit.models.transformer import bert, bert_classifier, bert_masked_lm, transformer, transformer_classifier

__all__ = [
    "CachedDecoder",
    "article_cnn",
    "bert",
    "bert_classifier",
    "bert_masked_lm",
    "cnn",
    "gpt",
    "mlp",
    "resnet",
    "rnn",
    "rnn_encoder_decoder",
    "sequence_classifier",
    "spectrogram_cnn",
    "transformer",
    "transformer_classifier",
]
