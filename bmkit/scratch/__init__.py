"""The formulas of the course in plain NumPy: the one place where each is written, and what Keras is held against.

Axes are named once, here: ``n`` examples, ``classes``, ``height``, ``width``, ``channels`` (last), ``filters``.
"""

from bmkit.scratch.activations import log_softmax, log_sum_exp, relu, sigmoid, softmax
from bmkit.scratch.backpropagation import backward_pass, dense_backward, forward_pass
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
from bmkit.scratch.optimizers import (
    adam_step,
    best_learning_rate,
    clip_by_norm,
    contraction_factor,
    momentum_step,
    sgd_step,
)

__all__ = [
    "adam_step",
    "backward_pass",
    "best_learning_rate",
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_gradient",
    "categorical_cross_entropy",
    "clip_by_norm",
    "contraction_factor",
    "conv2d",
    "conv2d_parameters",
    "conv_output_size",
    "dense_backward",
    "forward_pass",
    "log_softmax",
    "log_sum_exp",
    "max_pool2d",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "momentum_step",
    "relu",
    "sgd_step",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
]
