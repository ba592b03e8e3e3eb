"""The formulas of the course in plain NumPy: the one place where each is written, and what Keras is held against.

Axes are named once, here: ``n`` examples, ``classes``, ``height``, ``width``, ``channels`` (last), ``filters``.
"""

from bmkit.scratch.activations import log_softmax, log_sum_exp, relu, sigmoid, softmax
from bmkit.scratch.attention import (
    attention_multiply_adds,
    causal_mask,
    dot_product_attention,
    multi_head_attention,
    padding_mask,
)
from bmkit.scratch.backpropagation import backward_pass, dense_backward, numerical_gradient
from bmkit.scratch.bpe import bpe_decode, bpe_encode, bpe_train, bpe_vocabulary, split_words
from bmkit.scratch.convolution import conv2d, conv2d_parameters, conv_output_size, max_pool2d
from bmkit.scratch.evaluation import accuracy, confusion_matrix, cosine_decay, nearest_average, wilson_interval
from bmkit.scratch.forecasting import filling_share, forecast_windows, mean_absolute_scaled_error, seasonal_naive
from bmkit.scratch.initialization import glorot_uniform_limit, he_normal_std, propagated_spread, root_mean_square
from bmkit.scratch.language import hide_tokens, perplexity, sampling_probabilities
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
from bmkit.scratch.network import dense, dense_parameters, forward_pass, mlp_forward, neuron
from bmkit.scratch.ngrams import copied_shares, ngram_counts, ngram_probabilities
from bmkit.scratch.normalization import batch_norm, fold_batch_norm, layer_norm, rms_norm
from bmkit.scratch.optimizers import (
    adam_step,
    best_learning_rate,
    clip_by_norm,
    contraction_factor,
    momentum_step,
    sgd_step,
)
from bmkit.scratch.positions import position_frequencies, rotary, sinusoidal_positions
from bmkit.scratch.preprocessing import iqr_bounds, min_max, standardize, suspects
from bmkit.scratch.recurrent import gru_step, lstm_multiply_adds, lstm_step, recurrent_outputs, simple_rnn_step
from bmkit.scratch.regularization import (
    dropout,
    l1_penalty,
    l1_penalty_gradient,
    l2_penalty,
    l2_penalty_gradient,
    lasso,
    ridge,
    soft_threshold,
)
from bmkit.scratch.residual import residual_block, shortcut
from bmkit.scratch.sequences import cepstral_envelope, embedding_lookup, frame_signal, masked_mean, one_hot
from bmkit.scratch.spectrogram import (
    decibels,
    hann_window,
    hertz_to_mel,
    log_mel_spectrogram,
    mel_filterbank,
    mel_to_hertz,
    short_time_fourier,
)
from bmkit.scratch.transformer import gelu, transformer_block, transformer_block_parameters
from bmkit.scratch.validation import (
    cross_validation_estimate,
    cross_validation_standard_error,
    group_k_fold,
    k_fold,
    stratified_k_fold,
)

__all__ = [
    "accuracy",
    "adam_step",
    "attention_multiply_adds",
    "backward_pass",
    "batch_norm",
    "best_learning_rate",
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_gradient",
    "bpe_decode",
    "bpe_encode",
    "bpe_train",
    "bpe_vocabulary",
    "categorical_cross_entropy",
    "causal_mask",
    "cepstral_envelope",
    "clip_by_norm",
    "confusion_matrix",
    "contraction_factor",
    "conv2d",
    "conv2d_parameters",
    "conv_output_size",
    "copied_shares",
    "cosine_decay",
    "cross_validation_estimate",
    "cross_validation_standard_error",
    "decibels",
    "dense",
    "dense_backward",
    "dense_parameters",
    "dot_product_attention",
    "dropout",
    "embedding_lookup",
    "filling_share",
    "fold_batch_norm",
    "forecast_windows",
    "forward_pass",
    "frame_signal",
    "gelu",
    "glorot_uniform_limit",
    "group_k_fold",
    "gru_step",
    "hann_window",
    "he_normal_std",
    "hertz_to_mel",
    "hide_tokens",
    "iqr_bounds",
    "k_fold",
    "l1_penalty",
    "l1_penalty_gradient",
    "l2_penalty",
    "l2_penalty_gradient",
    "lasso",
    "layer_norm",
    "log_mel_spectrogram",
    "log_softmax",
    "log_sum_exp",
    "lstm_multiply_adds",
    "lstm_step",
    "masked_mean",
    "max_pool2d",
    "mean_absolute_scaled_error",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "mel_filterbank",
    "mel_to_hertz",
    "min_max",
    "mlp_forward",
    "momentum_step",
    "multi_head_attention",
    "nearest_average",
    "neuron",
    "ngram_counts",
    "ngram_probabilities",
    "numerical_gradient",
    "one_hot",
    "padding_mask",
    "perplexity",
    "position_frequencies",
    "propagated_spread",
    "recurrent_outputs",
    "relu",
    "residual_block",
    "ridge",
    "rms_norm",
    "root_mean_square",
    "rotary",
    "sampling_probabilities",
    "seasonal_naive",
    "sgd_step",
    "short_time_fourier",
    "shortcut",
    "sigmoid",
    "simple_rnn_step",
    "sinusoidal_positions",
    "soft_threshold",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "split_words",
    "standardize",
    "stratified_k_fold",
    "suspects",
    "transformer_block",
    "transformer_block_parameters",
    "wilson_interval",
]
