"""Read a .dat file of dlib: a network, layer by layer, with its settings and weights.

dlib writes whole numbers as a byte (how many bytes follow; the highest bit is the sign) and those bytes, lowest first,
and a real number as two whole ones, ``mantissa · 2^exponent``. The file tells of the loss, of the input, and then of
each layer from the input on. Every byte of it is accounted for here.
"""

import math
from pathlib import Path

import numpy as np

from bmkit.pretrained.packed_file import PackedFile, PackedTensor, Walk, open_packed

__all__ = ["DlibFile", "read_dlib"]

LOSS, INPUT = "loss_metric_2", "input_rgb_image_sized"
NESTED, INPUT_LAYER, TAG = 2, 3, 1  # versions by which a layer within a layer, the innermost and a mark are known
TENSOR, SHAPE = 2, 1  # versions of a tensor and of a shape
MOST_LAYERS = 10_000  # layers and marks of one file; the network for faces has 130
MOST_NUMBERS = 2**28  # of one tensor, and of all that is asked for
LONGEST = 100  # letters of a name


class DlibFile(PackedFile):
    """A network of dlib.

    The fact "means" holds the red, green and blue that are taken off, "size" the height and width of the input,
    "layers" the kinds of the layers in the order of computation. Layers of a kind are numbered from 1. The fact
    "con1" holds filters, height and width of the kernel, strides and paddings down and across; "max_pool1",
    "avg_pool1" the same without filters. Tensors are "con1/kernel" (filters, channels, height, width), "con1/bias",
    "affine1/scale", "affine1/shift" and "fc1/kernel" (inputs, outputs).
    """

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        return tensor.rows.astype("float32")


def _whole(walk: Walk) -> int:
    """Read a whole number."""
    head = walk.number("<B")
    size = head & 0x0F
    if head & 0x70 or not 1 <= size <= 8:
        raise ValueError("a number in it has an impossible length")
    value = int.from_bytes(walk.take(size), "little")
    return -value if head & 0x80 else value


def _real(walk: Walk) -> float:
    """Read a real number."""
    mantissa, exponent = _whole(walk), _whole(walk)
    return math.ldexp(mantissa, exponent)


def _expect(walk: Walk, *wanted: int) -> int:
    """Read a whole number that can only be one of a few."""
    if (value := _whole(walk)) not in wanted:
        raise ValueError(f"it holds {value} where {' or '.join(map(str, wanted))} is expected")
    return value


def _text(walk: Walk) -> str:
    if not 0 < (size := _whole(walk)) <= LONGEST:
        raise ValueError("a name in it has an impossible length")
    return str(walk.take(size), "ascii")


def _shape(walk: Walk, version: int = SHAPE) -> tuple:
    """Read four sizes: examples, channels, height, width."""
    _expect(walk, version)
    shape = tuple(_whole(walk) for _ in range(4))
    if min(shape) < 0 or math.prod(shape) > MOST_NUMBERS:
        raise ValueError("a tensor has an impossible shape")
    return shape


def _tensor(walk: Walk) -> np.ndarray:
    shape = _shape(walk, TENSOR)
    return np.frombuffer(walk.take(4 * math.prod(shape)), "<f4").reshape(shape)


def _cut(numbers: np.ndarray, *shapes: tuple) -> list[np.ndarray]:
    """Cut numbers that are stored behind one another into tensors of these shapes."""
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) != numbers.size:
        raise ValueError("the shapes of a layer do not fit its numbers")
    pieces = np.split(numbers.ravel(), np.cumsum(sizes)[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _convolution(walk: Walk) -> tuple[list, dict]:
    numbers, settings = _tensor(walk), [_whole(walk) for _ in range(7)]
    kernel, bias = _cut(numbers, _shape(walk), _shape(walk))
    for _ in range(4):  # how fast it was to learn and to decay
        _real(walk)
    return settings, {"kernel": kernel, "bias": bias.ravel()}


def _affine(walk: Walk) -> tuple[list, dict]:
    scale, shift = _cut(_tensor(walk), _shape(walk), _shape(walk))
    _expect(walk, 0)  # a scale and a shift for each channel, not for each place
    return [], {"scale": scale.ravel(), "shift": shift.ravel()}


def _dense(walk: Walk) -> tuple[list, dict]:
    outputs, inputs = _whole(walk), _whole(walk)
    kernel, _ = _cut(_tensor(walk), _shape(walk), _shape(walk))
    _expect(walk, 1)  # there is no bias
    for _ in range(4):
        _real(walk)
    return [], {"kernel": _cut(kernel, (inputs, outputs))[0]}


def _pooling(walk: Walk) -> tuple[list, dict]:
    return [_whole(walk) for _ in range(6)], {}


def _plain(walk: Walk) -> tuple[list, dict]:
    return [], {}


# How each kind of layer is read, by the name in the file; the digit at its end is a version.
LAYERS = {"con_4": _convolution, "affine_": _affine, "fc_2": _dense, "max_pool_2": _pooling, "avg_pool_2": _pooling}
LAYERS |= {"relu_": _plain, "add_prev_": _plain}


def _layer(walk: Walk, *, first: bool) -> tuple[str, list, dict]:
    """Read a layer, and behind it what was kept from training: three marks, and three tensors that are empty."""
    kind = _text(walk)
    if kind not in LAYERS:
        raise ValueError(f"it holds a layer {kind!r}; expected {', '.join(LAYERS)}")
    settings, tensors = LAYERS[kind](walk)
    if not set(bytes(walk.take(3))) <= set(b"01") or any(_tensor(walk).size for _ in range(3)):
        raise ValueError("it was stored in the middle of a training")
    if first:
        _expect(walk, 1)  # pictures for each example
    return kind.rstrip("_0123456789"), settings, tensors


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into its settings and its tensors."""
    walk = Walk(content)
    _expect(walk, 1)
    if (loss := _text(walk)) != LOSS:
        raise ValueError(f"its loss is {loss!r}, expected {LOSS!r}")
    _real(walk), _real(walk)  # margin and threshold of the loss
    nested = 1
    for _ in range(MOST_LAYERS):
        if (version := _expect(walk, NESTED, INPUT_LAYER, TAG)) == INPUT_LAYER:
            break
        nested += version == NESTED
    else:
        raise ValueError(f"it has more than {MOST_LAYERS:,} layers")
    if (kind := _text(walk)) != INPUT:
        raise ValueError(f"its input is {kind!r}, expected {INPUT!r}")
    facts = {"means": [_real(walk) for _ in range(3)], "size": [_whole(walk) for _ in range(2)], "layers": []}
    tensors = {}
    for number in range(nested):
        kind, settings, found = _layer(walk, first=number == 0)
        facts["layers"].append(kind)
        name = f"{kind}{facts['layers'].count(kind)}"
        facts[name] = settings
        tensors |= {f"{name}/{part}": PackedTensor("<f4", rows.shape, rows) for part, rows in found.items()}
    if walk.place != len(content):
        raise ValueError("it goes on after its end")
    return facts, tensors


def read_dlib(path: Path) -> DlibFile:
    """Open a .dat file of a network of dlib that was trained to put like things near one another.

    Args:
        path: the file.

    Returns:
        The settings and tensors of its layers. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged or cut short, or holds another kind of network.

    Reference:
        King (2009), Dlib-ml: A machine learning toolkit, https://jmlr.org/papers/v10/king09a.html; how it writes,
        https://github.com/davisking/dlib/blob/master/dlib/dnn/core.h
    """
    return open_packed(path, _parts, kind="a network of dlib", form=DlibFile)
