"""Keras layers that a chapter teaches and later chapters reuse. They use `keras.ops` alone: any backend runs them."""

from bmkit.layers.attention import MultiHeadAttention
from bmkit.layers.convolution import ConvBlock, PatchConv2D
from bmkit.layers.pooling import masked_mean
from bmkit.layers.positions import RotaryPositions, TokenAndPosition
from bmkit.layers.residual import ResidualBlock
from bmkit.layers.transformer import TransformerBlock

__all__ = [
    "ConvBlock",
    "MultiHeadAttention",
    "PatchConv2D",
    "ResidualBlock",
    "RotaryPositions",
    "TokenAndPosition",
    "TransformerBlock",
    "masked_mean",
]
