"""The formulas of the course in plain NumPy: the one place where each is written, and what Keras is held against.

Axes are named once, here: ``n`` examples, ``classes``, ``height``, ``width``, ``channels`` (last), ``filters``.
"""

from bmkit.scratch.activations import log_softmax, log_sum_exp, relu, sigmoid, softmax
from bmkit.scratch.convolution import conv2d, conv2d_parameters, conv_output_size, max_pool2d
from bmkit.scratch.evaluation import accuracy, confusion_matrix, cosine_decay, wilson_interval
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
from bmkit.scratch.network import dense, dense_parameters, mlp_forward, neuron

__all__ = [
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_gradient",
    "categorical_cross_entropy",
    "confusion_matrix",
    "conv2d",
    "conv2d_parameters",
    "conv_output_size",
    "dense",
    "dense_parameters",
    "log_softmax",
    "log_sum_exp",
    "max_pool2d",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "mlp_forward",
    "neuron",
    "relu",
    "ridge",
    "sigmoid",
    "soft_threshold",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "stratified_k_fold",
]
