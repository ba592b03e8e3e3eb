"""Layers for pictures."""

from bmkit.backend import keras

ops = keras.ops

__all__ = ["ConvBlock", "PatchConv2D"]


@keras.saving.register_keras_serializable(package="bmkit")
class ConvBlock(keras.layers.Layer):
    """The unit that convolutional networks repeat: ``pool(relu(conv(x)))``.

    Args:
        filters: number of feature maps, ≥ 1.
        kernel_size: side of the square kernel in pixels; the picture keeps its size ("same" padding).
        pool_size: side of the blocks of which the maximum is kept; 1 keeps the resolution.
        batch_normalization: normalise each feature map over the batch before the ReLU.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        inputs: shape ``(batch, height, width, channels)``.
        training: whether batch statistics are used and updated.

    Returns:
        Shape ``(batch, height // pool_size, width // pool_size, filters)``.

    Example:
        >>> ConvBlock(8)(keras.Input((28, 28, 1))).shape
        (None, 14, 14, 8)

    Reference:
        LeCun et al. (1998), https://doi.org/10.1109/5.726791; Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167
    """

    def __init__(self, filters, kernel_size=3, *, pool_size=2, batch_normalization=False, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size
        self.pool_size, self.batch_normalization = pool_size, batch_normalization
        # A bias before a normalisation would be subtracted again at once.
        self.convolution = keras.layers.Conv2D(
            filters, kernel_size, padding="same", use_bias=not batch_normalization, dtype=self.dtype_policy
        )
        self.normalization = keras.layers.BatchNormalization(dtype=self.dtype_policy) if batch_normalization else None
        self.pool = keras.layers.MaxPooling2D(pool_size, dtype=self.dtype_policy)

    def build(self, input_shape):
        """Create the weights for pictures of `input_shape`."""
        self.convolution.build(input_shape)
        if self.normalization is not None:
            self.normalization.build(self.convolution.compute_output_shape(input_shape))

    def call(self, inputs, training=None):
        """Apply convolution, optional normalisation, ReLU and pooling."""
        x = self.convolution(inputs)  # (batch, height, width, filters)
        if self.normalization is not None:
            x = self.normalization(x, training=training)
        return self.pool(ops.relu(x))  # (batch, height // pool, width // pool, filters)

    def get_config(self):
        """Return what is needed to build the layer again."""
        own = {name: getattr(self, name) for name in ("filters", "kernel_size", "pool_size", "batch_normalization")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="bmkit")
class PatchConv2D(keras.layers.Layer):
    """Convolution as one matrix product: cut the picture into patches, then ``patches · W + b``.

    This is how fast libraries compute it ("im2col"). Stride 1, no padding.

    Args:
        filters: number of feature maps, ≥ 1.
        kernel_size: side of the square kernel in pixels.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        inputs: shape ``(batch, height, width, channels)``.

    Returns:
        Shape ``(batch, height - kernel_size + 1, width - kernel_size + 1, filters)``.

    Example:
        >>> PatchConv2D(4)(keras.Input((8, 8, 3))).shape
        (None, 6, 6, 4)

    Reference:
        Chellapilla, Puri and Simard (2006), High Performance Convolutional Neural Networks for Document Processing,
        https://inria.hal.science/inria-00112631
    """

    def __init__(self, filters, kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size

    def build(self, input_shape):
        """Create the kernel, shape ``(kernel_size², channels, filters)`` flattened over its first two axes."""
        inputs = self.kernel_size**2 * input_shape[-1]
        self.kernel = self.add_weight(shape=(inputs, self.filters), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs):
        """Gather the patches by slicing and multiply them with the kernel."""
        size = self.kernel_size
        height, width = inputs.shape[1] - size + 1, inputs.shape[2] - size + 1
        patches = ops.concatenate(
            [inputs[:, u : u + height, v : v + width] for u in range(size) for v in range(size)], axis=-1
        )  # (batch, height, width, size² · channels)
        return ops.matmul(patches, self.kernel) + self.bias  # (batch, height, width, filters)

    def get_config(self):
        """Return what is needed to build the layer again."""
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size}
