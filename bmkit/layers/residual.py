"""The block that residual networks repeat, and its plain twin."""

from bmkit.backend import keras

ops = keras.ops

__all__ = ["ResidualBlock"]


@keras.saving.register_keras_serializable(package="bmkit")
class ResidualBlock(keras.layers.Layer):
    """Learn the difference: ``relu(shortcut(x) + norm(conv(relu(norm(conv(x))))))``.

    The shortcut has no weights: where the block has more filters than its input has channels, it is filled up with
    zeros. So a plain block has as many numbers to learn as a residual one.

    Args:
        filters: feature maps, at least as many as the input has channels.
        stride: 1, or 2 to halve height and width.
        residual: False leaves the shortcut out: two convolutions of a plain network.
        batch_normalization: normalise after each convolution.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: shape ``(batch, height, width, channels)``.
        training: whether batch statistics are used and updated.

    Returns:
        Shape ``(batch, ⌈height / stride⌉, ⌈width / stride⌉, filters)``.

    Example:
        >>> ResidualBlock(16, stride=2)(keras.Input((32, 32, 8))).shape
        (None, 16, 16, 16)

    Reference:
        He, Zhang, Ren and Sun (2016), Deep residual learning for image recognition, https://arxiv.org/abs/1512.03385;
        in NumPy: `bmkit.scratch.residual_block`
    """

    def __init__(self, filters, *, stride=1, residual=True, batch_normalization=True, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.stride = filters, stride
        self.residual, self.batch_normalization = residual, batch_normalization
        self.convolutions = [
            keras.layers.Conv2D(
                filters,
                3,
                strides=step,
                padding="same",
                use_bias=not batch_normalization,  # a bias before a normalisation would be subtracted again at once
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
            )
            for step in (stride, 1)
        ]
        self.norms = [
            keras.layers.BatchNormalization(dtype=self.dtype_policy) for _ in range(2 if batch_normalization else 0)
        ]

    def build(self, input_shape):
        """Create the weights for pictures of `input_shape`."""
        if input_shape[-1] > self.filters and self.residual:
            raise ValueError(
                f"an input of {input_shape[-1]} channels cannot go past {self.filters} filters unchanged; "
                f"use at least {input_shape[-1]} filters."
            )
        for convolution in self.convolutions:
            convolution.build(input_shape)
            input_shape = convolution.compute_output_shape(input_shape)
        for norm in self.norms:
            norm.build(input_shape)

    def call(self, x, training=None):
        """Convolve twice and add what went past."""
        out = x
        for index, convolution in enumerate(self.convolutions):
            out = convolution(ops.relu(out) if index else out)  # (batch, height / stride, width / stride, filters)
            if self.norms:
                out = self.norms[index](out, training=training)
        if self.residual:
            past = x[:, :: self.stride, :: self.stride]
            out = out + ops.pad(past, [(0, 0), (0, 0), (0, 0), (0, self.filters - x.shape[-1])])
        return ops.relu(out)

    def get_config(self):
        """Return what is needed to build the layer again."""
        names = ("filters", "stride", "residual", "batch_normalization")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
