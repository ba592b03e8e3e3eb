"""Plant tiny files of Marian, and compute by hand in NumPy what such a network answers."""

import struct

import numpy as np
import tokenizers

WIDTH, HEADS, HIDDEN, ENCODER, DECODER = 8, 2, 12, 2, 2
PIECES = ["</s>", "<unk>", *"abcdefgh", "▁", "▁a", "bc", "▁de"]
CONFIG = f"""dec-cell: ssru
dec-depth: {DECODER}
dim-emb: {WIDTH}
dim-vocabs:
  - {len(PIECES)}
  - {len(PIECES)}
enc-depth: {ENCODER}
input-types: []
tied-embeddings-all: true
transformer-decoder-autoreg: rnn
transformer-dim-ffn: {HIDDEN}
transformer-ffn-activation: relu
transformer-ffn-depth: 2
transformer-heads: {HEADS}
transformer-postprocess: dan
transformer-preprocess: ""
type: transformer
version: v1.9.56 94aeaa46 2021-04-28
"""
MULTIPLIER = 40.0
TEXT, FLOAT, BYTES = 0x101, 0x404, 0x4101


def tensors(seed=24):
    """Draw weights under Marian's names; matrices are whole 40ths, so that eight bits hold them exactly."""
    random = np.random.default_rng(seed)
    shapes = {"Wemb": (len(PIECES), WIDTH), "decoder_ff_logit_out_b": (1, len(PIECES))}
    blocks = [(f"encoder_l{n + 1}", "self") for n in range(ENCODER)]
    blocks += [(f"decoder_l{n + 1}", "context") for n in range(DECODER)]
    for name, attention in blocks:
        for part in "qkvo":
            shapes |= {
                f"{name}_{attention}_W{part}": (WIDTH, WIDTH),
                f"{name}_{attention}_b{part}": (1, WIDTH),
            }
        shapes |= {f"{name}_ffn_W1": (WIDTH, HIDDEN), f"{name}_ffn_b1": (1, HIDDEN)}
        shapes |= {f"{name}_ffn_W2": (HIDDEN, WIDTH), f"{name}_ffn_b2": (1, WIDTH)}
        norms = [f"{name}_{attention}_Wo", f"{name}_ffn_ffn"]
        if attention == "context":
            rnn = f"{name}_rnn"
            shapes |= {f"{rnn}_W": (WIDTH, WIDTH), f"{rnn}_Wf": (WIDTH, WIDTH), f"{rnn}_bf": (1, WIDTH)}
            norms.append(f"{rnn}_ffn")
        shapes |= {f"{norm}_ln_{part}": (1, WIDTH) for norm in norms for part in ("scale", "bias")}
    drawn = {}
    for name, shape in shapes.items():
        values = random.normal(scale=20, size=shape).clip(-127, 127).round() / MULTIPLIER
        drawn[name] = (values + name.endswith("_scale")).astype("float32")
    return drawn


def packed(name, values):
    """Return type, shape and bytes of a tensor: matrices as int8, transposed but for the table of words."""
    if "_W" not in name.replace("_Wo_ln", "") and name != "Wemb":
        return FLOAT, values.shape, values.astype("<f4").tobytes()
    whole = np.round(values * MULTIPLIER).astype("i1")
    return BYTES, values.shape, (whole if name == "Wemb" else whole.T).tobytes() + struct.pack("<f", MULTIPLIER)


def entry(name, kind, shape, content, /, **wrong):
    """Return one tensor as the four sizes, the name, the shape and the content; `wrong` lies about a size."""
    true = {"name": len(name) + 1, "kind": kind, "axes": len(shape), "bytes": len(content)} | wrong
    sizes = struct.pack("<4Q", *(true[key] for key in ("name", "kind", "axes", "bytes")))
    return sizes, name.encode() + b"\0", struct.pack(f"<{len(shape)}i", *shape), content


def file_of(entries, *, version=1, count=None, gap=24):
    """Join entries to a file."""
    heads, names, shapes, contents = (b"".join(parts) for parts in zip(*entries, strict=True))
    start = struct.pack("<2Q", version, len(entries) if count is None else count)
    return start + heads + names + shapes + struct.pack("<Q", gap) + bytes(gap if gap < 4096 else 0) + contents


def model_file(values=None, *, config=CONFIG, floats=False):
    """Return the file of a whole network, with its matrices as eight bits or as floats."""
    values = tensors() if values is None else values
    form = (lambda name, array: (FLOAT, array.shape, array.tobytes())) if floats else packed
    entries = [entry(name, *form(name, array)) for name, array in values.items()]
    text = config.encode() + b"\0"
    return file_of([*entries, entry("special:model.yml", TEXT, (len(text),), text)])


def plant(folder, content=None, *, pieces=PIECES):
    """Write a network and its tokenizer into a folder."""
    (folder / "model.bin").write_bytes(model_file() if content is None else content)
    scores = [(piece, -float(len(pieces) - len(piece))) for piece in pieces]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(scores, unk_id=1))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


class ByHand:
    """Marian's network for one sentence, straight from the tensors of its file."""

    def __init__(self, values, heads):
        self.w, self.heads, self.width = values, heads, values["Wemb"].shape[1]
        self.depths = [
            len({n.split("_")[1] for n in values if n.startswith(side)}) for side in ("encoder", "decoder_l")
        ]

    def waves(self, position):
        half = self.width // 2
        angles = position * 10_000 ** (-np.arange(half) / (half - 1))
        return np.concatenate([np.sin(angles), np.cos(angles)])

    def norm(self, x, name):
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6)
        return (x - x.mean(axis=-1, keepdims=True)) / spread * self.w[f"{name}_ln_scale"] + self.w[f"{name}_ln_bias"]

    def attend(self, x, context, name):
        q, k, v = (
            a @ self.w[f"{name}_W{p}"] + self.w[f"{name}_b{p}"]
            for a, p in zip((x, context, context), "qkv", strict=True)
        )
        q, k, v = (a.reshape(len(a), self.heads, -1) for a in (q, k, v))
        scores = np.einsum("qhs,khs->hqk", q, k) / np.sqrt(q.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        found = np.einsum("hqk,khs->qhs", shares, v).reshape(len(x), -1)
        return self.norm(x + found @ self.w[f"{name}_Wo"] + self.w[f"{name}_bo"], f"{name}_Wo")

    def think(self, x, name):
        inner = np.maximum(x @ self.w[f"{name}_W1"] + self.w[f"{name}_b1"], 0)
        return self.norm(x + inner @ self.w[f"{name}_W2"] + self.w[f"{name}_b2"], f"{name}_ffn")

    def read(self, source):
        x = np.array([self.w["Wemb"][piece] * np.sqrt(self.width) + self.waves(t) for t, piece in enumerate(source)])
        for number in range(1, self.depths[0] + 1):
            x = self.think(self.attend(x, x, f"encoder_l{number}_self"), f"encoder_l{number}_ffn")
        return x

    def write(self, vectors, target):
        """Return the scores after each piece of the target, whose first one stands for nothing."""
        kept, found = [0.0] * self.depths[1], []
        for t, piece in enumerate(target):
            y = (self.w["Wemb"][piece] * np.sqrt(self.width) * (t > 0) + self.waves(t))[None]
            for n in range(self.depths[1]):
                name = f"decoder_l{n + 1}"
                share = 1 / (1 + np.exp(-(y @ self.w[f"{name}_rnn_Wf"] + self.w[f"{name}_rnn_bf"])))
                kept[n] = share * kept[n] + (1 - share) * (y @ self.w[f"{name}_rnn_W"])
                y = self.norm(y + np.maximum(kept[n], 0), f"{name}_rnn_ffn")
                y = self.think(self.attend(y, vectors, f"{name}_context"), f"{name}_ffn")
            found.append((y @ self.w["Wemb"].T + self.w["decoder_ff_logit_out_b"])[0])
        return np.array(found)
