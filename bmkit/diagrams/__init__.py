"""Drawings of one thing each, too long for a chapter's cell."""

from bmkit.diagrams.chains import (
    boxes,
    encoder_decoder,
    lstm_cell,
    residual_block,
    teacher_forcing,
    transformer_block,
    unrolled_rnn,
)
from bmkit.diagrams.course import course_map
from bmkit.diagrams.lattices import ctc_lattice
from bmkit.diagrams.looking import shaded_words, soft_lookup
from bmkit.diagrams.texts import cut_text, masked_language_model
from bmkit.diagrams.windows import convolution_step, receptive_field, window_places

__all__ = [
    "boxes",
    "convolution_step",
    "course_map",
    "ctc_lattice",
    "cut_text",
    "encoder_decoder",
    "lstm_cell",
    "masked_language_model",
    "receptive_field",
    "residual_block",
    "shaded_words",
    "soft_lookup",
    "teacher_forcing",
    "transformer_block",
    "unrolled_rnn",
    "window_places",
]
