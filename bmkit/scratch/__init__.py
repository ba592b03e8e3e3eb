"""The formulas of the course in plain NumPy: the one place where each is written, and what Keras is held against.

Axes are named once, here: ``n`` examples, ``classes``, ``height``, ``width``, ``channels`` (last), ``filters``.
"""

from bmkit.scratch.activations import log_softmax, log_sum_exp, relu, sigmoid, softmax
from bmkit.scratch.convolution import conv2d, conv2d_parameters, conv_output_size, max_pool2d
from bmkit.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits,
    binary_cross_entropy_gradient,
    categorical_cross_entropy,
    mean_squared_error,
    mean_squared_error_gradient,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
)
from bmkit.scratch.sequences import cepstral_envelope, embedding_lookup, frame_signal, masked_mean, one_hot

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_gradient",
    "categorical_cross_entropy",
    "cepstral_envelope",
    "conv2d",
    "conv2d_parameters",
    "conv_output_size",
    "embedding_lookup",
    "frame_signal",
    "log_softmax",
    "log_sum_exp",
    "masked_mean",
    "max_pool2d",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "one_hot",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
]
