"""How many numbers the parts of a model hold, by the formulas."""

from bmkit import scratch


def dense(inputs, units):
    """Count the numbers of a dense layer: a 1×1 convolution over a 1×1 picture."""
    return scratch.conv2d_parameters(1, 1, inputs, units)


def convolution(channels, filters):
    return scratch.conv2d_parameters(3, 3, channels, filters)


def recurrent(gates, inputs, units, biases=1):
    return gates * units * (inputs + units + biases)


def attention(width):
    return 4 * dense(width, width)


def block(width, attentions=1):
    """Count a Transformer's block: attentions and perceptron, each with a norm of two numbers a feature."""
    return (
        attentions * attention(width) + (attentions + 1) * 2 * width + dense(width, 4 * width) + dense(4 * width, width)
    )
