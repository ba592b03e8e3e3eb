"""An E5 file written and computed by hand: what the format and the network mean, in NumPy, without the kit's reader."""

import math
import re
import struct

import numpy as np

SIZES = {"width": 32, "layers": 2, "heads": 4, "inner": 64, "rows": 18, "places": 24, "segments": 2}
PIECES = [
    ("<s>", 0),
    ("<pad>", 0),
    ("</s>", 0),
    ("<unk>", 0),
    ("▁", -3),
    ("▁a", -4),
    ("ab", -4.5),
    ("▁ab", -9),
    ("b", -5),
]
PIECES += [("中", -5), ("中文", -6), ("文", -7), (":", -4), ("▁query", -5), ("é", -6)]
LETTERS = {ord("\t"): " ", ord("Ａ"): "a", ord("…"): "...", 0x200D: ""}
GELU = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)


def shapes_of(sizes):
    """Shapes by the file's names; those of matrices, which are packed, have two axes."""
    width, inner = sizes["width"], sizes["inner"]
    shapes = {"emb.word": (sizes["rows"], width), "emb.pos": (sizes["places"], width)}
    shapes |= {"emb.type": (sizes["segments"], width), "emb.ln.w": (width,), "emb.ln.b": (width,)}
    for layer in range(sizes["layers"]):
        matrices = dict.fromkeys(("q", "k", "v", "ao"), (width, width)) | {"fi": (inner, width), "fo": (width, inner)}
        for name, shape in matrices.items():
            shapes |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
        shapes |= {f"l{layer}.{norm}.{part}": (width,) for norm in ("aln", "oln") for part in "wb"}
    return shapes


def is_packed(name, shape):
    return len(shape) == 2 and name not in ("emb.pos", "emb.type")


def tensor_bytes(random, name, shape):
    """Random numbers as the file keeps them: floats, or blocks of a 16-bit scale and 32 numbers of 4 bits."""
    if not is_packed(name, shape):
        return random.normal(scale=0.3, size=shape).astype("<f4").tobytes()
    blocks = math.prod(shape) // 32
    packed = np.zeros((blocks, 18), "uint8")
    packed[:, :2] = random.uniform(0.01, 0.08, blocks).astype("<f2")[:, None].view("uint8")
    packed[:, 2:] = random.integers(0, 256, (blocks, 16))
    return packed.tobytes()


def unpacked(content, shape):
    """Undo Q4_0: the low halves of 16 bytes are numbers 0 to 15 of a block, the high ones 16 to 31, less 8 each."""
    blocks = np.frombuffer(content, "uint8").reshape(-1, 18)
    halves = np.concatenate([blocks[:, 2:] % 16, blocks[:, 2:] // 16], axis=1).astype("float64") - 8
    return (halves * blocks[:, :2].copy().view("<f2").astype("float64")).reshape(shape)


def written(*, sizes=(), pieces=PIECES, letters=LETTERS, tensors=(), **changes):
    """Return an E5 file; `tensors` overrides (type, count, place, size) by name, `changes` the other numbers."""
    sizes, random = SIZES | dict(sizes), np.random.default_rng(0)
    number = {"version": 1, "block": 32, "epsilon": 1e-12, "count": len(pieces), "marks": (0, 2, 1, 3)} | changes
    words = [word.encode() if isinstance(word, str) else word for word, _ in pieces]
    ends = number.get("ends", np.cumsum([0, *map(len, words)]))
    head = b"E5S1" + struct.pack("<I7Ifi", number["version"], *sizes.values(), number["epsilon"], number["block"])
    head += struct.pack("<5IQ", number["count"], *number["marks"], sum(map(len, words)))
    head += np.asarray(ends, "<u4").tobytes() + np.array([score for _, score in pieces], "<f4").tobytes()
    head += b"".join(words)
    table = b"".join(struct.pack(f"<IB{len(to)}I", code, len(to), *map(ord, to)) for code, to in letters.items())
    head += (
        struct.pack("<II", number.get("letters_count", len(letters)), number.get("letters_bytes", len(table))) + table
    )
    shapes = shapes_of(SIZES)
    contents = {name: tensor_bytes(random, name, shape) for name, shape in shapes.items()}
    names = [name for name in contents if name not in number.get("leave_out", ())] + list(number.get("twice", ()))
    start = len(head) + 4 + sum(23 + len(name) for name in names)
    places, at = {}, start
    for name, content in contents.items():
        places[name] = (int(is_packed(name, shapes[name])), math.prod(shapes[name]), at, len(content))
        at += len(content)
    places |= dict(tensors)
    head += struct.pack("<I", number.get("tensor_count", len(names)))
    for name in names:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", *places[name])
    return head + b"".join(contents.values())


def tensors_in(content):
    """Return the bytes of each tensor of a sound file, walking through it once more."""
    count, length = struct.unpack_from("<I", content, 44)[0], struct.unpack_from("<Q", content, 64)[0]
    at = 72 + 4 * (count + 1) + 4 * count + length
    at += 8 + struct.unpack_from("<I", content, at + 4)[0]
    (tensors,), at, found = struct.unpack_from("<I", content, at), at + 4, {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        _, _, place, size = struct.unpack_from("<BIQQ", content, at + 2 + length)
        found[name] = memoryview(content)[place : place + size]
        at += 23 + length
    return found


def vector_by_hand(content, sizes, tokens, *, as_kept=False):
    """Compute the sentence vector of one text; `as_kept` rounds rows to 8 bits and bends GELU as the kit does."""
    shapes, tensors = shapes_of(sizes), tensors_in(content)

    def weight(name):
        shape = shapes[name]
        if is_packed(name, shape):
            return unpacked(tensors[name], shape)
        return np.frombuffer(tensors[name], "<f4").astype("float64").reshape(shape)

    def normalised(x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12) * weight(f"{name}.w") + weight(f"{name}.b")

    def through(x, name):
        return x @ weight(f"{name}.w").T + weight(f"{name}.b")

    bytes_of_row = sizes["width"] // 32 * 18
    rows = [tensors["emb.word"][token * bytes_of_row : (token + 1) * bytes_of_row] for token in tokens]
    words = unpacked(b"".join(rows), (len(tokens), sizes["width"]))
    if as_kept:
        step = np.abs(words).max(axis=1, keepdims=True) / 127
        words = np.round(words / step) * step
    x = normalised(words + weight("emb.pos")[: len(tokens)] + weight("emb.type")[0], "emb.ln")
    for layer in range(sizes["layers"]):
        q, k, v = (through(x, f"l{layer}.{name}").reshape(len(x), sizes["heads"], -1) for name in "qkv")
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(q.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", shares, v).reshape(x.shape)
        x = normalised(x + through(mixed, f"l{layer}.ao"), f"l{layer}.aln")
        inner = through(x, f"l{layer}.fi")
        bent = inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3))) / 2
        inner = bent if as_kept else GELU(inner)
        x = normalised(x + through(inner, f"l{layer}.fo"), f"l{layer}.oln")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def pieces_by_hand(text, scores, letters):
    """Find the likeliest pieces of a text, each way of cutting compared; unknown letters in a row are one piece."""
    text = re.sub(" {2,}", " ", "".join(letters.get(ord(letter), letter) for letter in text)).replace(" ", "▁")
    text = text if text.startswith("▁") else "▁" + text
    unknown, longest = min(scores.values()) - 10, max(map(len, scores))
    best = [(0.0, [])] + [(-math.inf, [])] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - longest), end):
            piece = text[start:end]
            score = scores.get(piece, unknown if end - start == 1 else -math.inf)
            if best[start][0] + score > best[end][0]:
                best[end] = (best[start][0] + score, [*best[start][1], piece if piece in scores else None])
    found = best[-1][1]
    return [piece for place, piece in enumerate(found) if piece or not place or found[place - 1]]
