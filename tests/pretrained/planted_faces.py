"""Tiny files in LiteRT's and dlib's layouts, and the networks in them written out in NumPy."""

import math
import struct

import numpy as np

LITERT_TYPES = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}


def table(fields):
    """Write a table of a FlatBuffer: bytes stand in it; a function writes what it points to and returns its place."""

    def write(out):
        numbers = range(max(fields, default=-1) + 1)
        inside = {n: field if isinstance(field, bytes) else bytes(4) for n, field in sorted(fields.items())}
        places, size = {}, 4
        for n, content in inside.items():
            places[n], size = size, size + len(content)
        before = len(out)
        out += struct.pack(f"<2H{len(numbers)}H", 4 + 2 * len(numbers), size, *(places.get(n, 0) for n in numbers))
        start = len(out)
        out += struct.pack("<i", start - before) + b"".join(inside.values())
        for n, field in fields.items():
            if not isinstance(field, bytes):
                point(out, start + places[n], field)
        return start

    return write


def point(out, place, write):
    target = write(out)
    struct.pack_into("<I", out, place, target - place)


def tables(*writers, count=None):
    def write(out):
        start = len(out)
        out += struct.pack("<I", len(writers) if count is None else count) + bytes(4 * len(writers))
        for n, writer in enumerate(writers):
            point(out, start + 4 + 4 * n, writer)
        return start

    return write


def content(given, count=None):
    def write(out):
        start = len(out)
        out += struct.pack("<I", len(given) if count is None else count) + given
        return start

    return write


def numbers(values):
    return content(struct.pack(f"<{len(values)}i", *values), len(values))


def litert_tensor(name, buffer, values, changes=None):
    fields = {0: numbers(values.shape), 1: struct.pack("<b", LITERT_TYPES[str(values.dtype)])}
    fields |= {2: struct.pack("<I", buffer), 3: content(name.encode())}
    return table(fields | (changes or {}))


def litert_model(tensors, *, magic=b"TFL3", version=3, graphs=1, buffers=None, more=()):
    """Return a .tflite file with these constants, and one tensor that is computed."""
    stored = [table({}), *(table({0: content(values.tobytes())}) for values in tensors.values())]
    named = [litert_tensor(name, n, values) for n, (name, values) in enumerate(tensors.items(), start=1)]
    named += [litert_tensor("computed", 0, np.zeros((2, 2), "float32")), *more]
    model = {0: struct.pack("<I", version), 2: tables(*[table({0: tables(*named)})] * graphs)}
    model |= {4: tables(*stored) if buffers is None else buffers}
    out = bytearray(8)
    out[4:] = magic
    point(out, 0, table(model))
    return bytes(out)


def whole(value):
    """Write a whole number as dlib does."""
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (128 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def real(value):
    mantissa, exponent = math.frexp(value)
    return whole(int(mantissa * 2**24)) + whole(exponent - 24)


def text(value):
    return whole(len(value)) + value.encode()


def shape(*sizes, version=1):
    return whole(version) + b"".join(map(whole, sizes))


def tensor(values):
    values = np.asarray(values, "<f4")
    return shape(*values.shape, *[1] * (4 - values.ndim), version=2) + values.tobytes()


REALS = real(1.0) * 3 + real(0.0)
EMPTY = tensor(np.zeros((0, 0, 0, 0)))
UNUSED = b"110" + 3 * EMPTY  # what a layer keeps from training


def convolution(kernel, bias, *, stride, padding):
    filters, _, height, width = kernel.shape
    settings = (filters, height, width, stride, stride, padding, padding)
    flat = np.concatenate([kernel.ravel(), bias])
    shapes = shape(*kernel.shape) + shape(1, filters, 1, 1)
    return text("con_4") + tensor(flat) + b"".join(map(whole, settings)) + shapes + REALS


def affine(scale, shift):
    shapes = shape(1, len(scale), 1, 1) * 2
    return text("affine_") + tensor(np.concatenate([scale, shift])) + shapes + whole(0)


def dense(kernel):
    inputs, outputs = kernel.shape
    shapes = shape(*kernel.shape, 1, 1) + shape(0, 0, 0, 0)
    return text("fc_2") + whole(outputs) + whole(inputs) + tensor(kernel) + shapes + whole(1) + REALS


def pooling(kind, size, stride):
    return text(f"{kind}_pool_2") + b"".join(map(whole, (size, size, stride, stride, 0, 0)))


def plain(kind):
    return text(kind)


def dlib_network(layers, *, loss="loss_metric_2", kind="input_rgb_image_sized", means=None, side=40, versions=None):
    """Return a .dat file of these layers."""
    versions = [1, *[2] * (len(layers) - 1), 1, 3] if versions is None else versions
    head = whole(1) + text(loss) + real(0.04) + real(0.6) + b"".join(map(whole, versions)) + text(kind)
    head += b"".join(map(real, means or (122.782, 117.001, 104.298))) + whole(side) * 2
    first = layers[0] + UNUSED + whole(1)
    return head + first + b"".join(layer + UNUSED for layer in layers[1:])


def random_weights(sizes, seed=0):
    """Return kernel, bias, scale and shift of convolutions (filters, channels, side), and a last matrix."""
    random = np.random.default_rng(seed)
    convolutions = []
    for filters, channels, side in sizes:
        kernel = random.normal(scale=0.7 / np.sqrt(channels * side**2), size=(filters, channels, side, side))
        vectors = random.normal(scale=0.3, size=(3, filters)) + np.array([[0], [1], [0]])
        convolutions.append([part.astype("float32") for part in (kernel, *vectors)])
    return convolutions, random.normal(size=(sizes[-1][0], 5)).astype("float32")


# A stem, one block that keeps the size, one that halves it and has more channels.
SIZES = [(4, 3, 7), (4, 4, 3), (4, 4, 3), (6, 4, 3), (6, 6, 3)]
TINY = {"side": 40, "num_outputs": 5, "stages": ((1, 4), (1, 6)), "stem": 4}


def dlib_layers(convolutions, matrix):
    """Return the layers of the tiny network in the order of computation."""
    settings = [(2, 0), (1, 1), (1, 1), (2, 0), (1, 1)]
    pairs = [
        [convolution(kernel, bias, stride=stride, padding=padding), affine(scale, shift)]
        for (kernel, bias, scale, shift), (stride, padding) in zip(convolutions, settings, strict=True)
    ]
    relu, add = plain("relu_"), plain("add_prev_")
    layers = [*pairs[0], relu, pooling("max", 3, 2), *pairs[1], relu, *pairs[2], add, relu]
    layers += [*pairs[3], relu, *pairs[4], pooling("avg", 2, 2), add, relu, pooling("avg", 0, 1)]
    return [*layers, dense(matrix)]


def convolved(x, kernel, bias, *, stride=1, before=0, after=None):
    """Convolve (height, width, channels) with a kernel (filters, channels, height, width), by the book."""
    x = np.pad(x, ((before, before if after is None else after),) * 2 + ((0, 0),))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(0, 1))[::stride, ::stride]
    return np.einsum("yxcij,fcij->yxf", windows, kernel) + bias


def pooled(x, size, stride, how):
    return how(np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))[::stride, ::stride], axis=(3, 4))


def added(a, b):
    """Add what lies at the upper left and in the first channels, as dlib does: what is missing counts as zero."""
    total = np.zeros(np.maximum(a.shape, b.shape))
    for part in (a, b):
        total[tuple(map(slice, part.shape))] += part
    return total


def by_hand(picture, convolutions, matrix):
    """Compute the tiny network of dlib."""

    def step(x, number, **settings):
        kernel, bias, scale, shift = (part.astype("float64") for part in convolutions[number])
        return scale * convolved(x, kernel, bias, **settings) + shift

    def relu(x):
        return np.maximum(x, 0)

    x = (picture - np.array([122.782, 117.001, 104.298])) / 256
    x = pooled(relu(step(x, 0, stride=2)), 3, 2, np.max)
    x = relu(added(x, step(relu(step(x, 1, before=1)), 2, before=1)))
    y = step(relu(step(x, 3, stride=2)), 4, before=1)
    x = relu(added(pooled(x, 2, 2, np.mean), y))
    return x.mean(axis=(0, 1)) @ matrix


CONVOLUTIONS, MATRIX = random_weights(SIZES)
LAYERS = dlib_layers(CONVOLUTIONS, MATRIX)
DLIB = dlib_network(LAYERS)


def stored(folder, content):
    path = folder / "planted.bin"
    path.write_bytes(content)
    return path


def changed(number, layer):
    """Return the tiny network with another layer in the place of one."""
    layers = list(LAYERS)
    layers[number] = layer
    return dlib_network(layers)
