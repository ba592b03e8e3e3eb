"""A tiny planted GGUF file: read as llama.cpp means it, and one clear error for each way in which it is damaged."""

import gguf
import numpy as np
import pytest
from tokenizers import pre_tokenizers

from bmkit import data
from bmkit.pretrained import language
from bmkit.pretrained.gguf_file import read_gguf, tokenizer_of

LAYERS, WIDTH, HEADS, KEY_HEADS, INNER, BASE = 2, 32, 4, 2, 64, 1000.0
TOKENS = ["<|end|>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "he", "ll", "hell", "hello", "Ġw"]
MERGES = ["h e", "l l", "he ll", "hell o", "Ġ w"]
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
)


def planted_tensors():
    """Random tensors under llama.cpp's names; rows of queries and keys in llama.cpp's order."""
    random = np.random.default_rng(0)
    keys = WIDTH // HEADS * KEY_HEADS
    matrices = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (keys, WIDTH),
        "attn_v": (keys, WIDTH),
        "attn_output": (WIDTH, WIDTH),
    }
    matrices |= {"ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER)}
    shapes = {"token_embd.weight": (len(TOKENS), WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {f"blk.{layer}.{name}.weight": shape for name, shape in matrices.items()}
        shapes |= {f"blk.{layer}.{name}_norm.weight": (WIDTH,) for name in ("attn", "ffn")}
    return {name: random.normal(scale=0.3, size=shape).astype("float32") for name, shape in shapes.items()}


def plant(path, *, tensors=None, leave_out=(), tokens=TOKENS, merges=MERGES, packed=(), facts=()):
    """Write a GGUF file; `packed` names tensors that go in as Q8_0; `facts`, (key, value, type), go over the others."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_rope_freq_base(BASE)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    if tokens:
        writer.add_token_list(tokens)
        writer.add_token_types([3] + [1] * (len(tokens) - 1))
        writer.add_token_merges(merges)
    writer.add_eos_token_id(0)
    writer.add_chat_template(TEMPLATE)
    for key, value, kind in facts:
        writer.add_key_value(key, value, kind)
    for name, values in (tensors or planted_tensors()).items():
        if name in packed:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        elif name not in leave_out:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def by_hand(tensors, tokens):
    """Compute the logits of one text in NumPy straight from llama.cpp's layout: pairs of neighbours are rotated."""

    def weight(name):
        return tensors[name + ".weight"].astype("float64")

    def normalised(x, name):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5) * weight(name)

    def rotated(x):  # (steps, heads, numbers)
        size = x.shape[-1]
        angles = np.arange(len(x))[:, None, None] * BASE ** (-np.arange(0, size, 2) / size)
        first, second, turned = x[..., 0::2], x[..., 1::2], np.empty_like(x)
        turned[..., 0::2] = first * np.cos(angles) - second * np.sin(angles)
        turned[..., 1::2] = first * np.sin(angles) + second * np.cos(angles)
        return turned

    x, steps = weight("token_embd")[tokens], len(tokens)
    for layer in range(LAYERS):
        near = normalised(x, f"blk.{layer}.attn_norm")
        q, k, v = (near @ weight(f"blk.{layer}.attn_{name}").T for name in "qkv")
        q, k = rotated(q.reshape(steps, HEADS, -1)), rotated(k.reshape(steps, KEY_HEADS, -1))
        k, v = (np.repeat(a.reshape(steps, KEY_HEADS, -1), HEADS // KEY_HEADS, axis=1) for a in (k, v))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(q.shape[-1])
        scores = np.where(np.tri(steps, dtype=bool), scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        x = x + np.einsum("hqk,khd->qhd", shares, v).reshape(steps, -1) @ weight(f"blk.{layer}.attn_output").T
        near = normalised(x, f"blk.{layer}.ffn_norm")
        gate = near @ weight(f"blk.{layer}.ffn_gate").T
        inner = gate / (1 + np.exp(-gate)) * (near @ weight(f"blk.{layer}.ffn_up").T)
        x = x + inner @ weight(f"blk.{layer}.ffn_down").T
    return normalised(x, "output_norm") @ weight("token_embd").T


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def tiny(planted):
    return language.language_model(planted)


def test_the_logits_are_those_that_the_layout_means(tiny):
    tokens = np.random.default_rng(1).integers(0, len(TOKENS), 9)
    np.testing.assert_allclose(tiny.logits(tokens[None])[0], by_hand(planted_tensors(), tokens), atol=1e-3)


@pytest.mark.parametrize("cuts", [(9,), (4, 5), (1,) * 9])
def test_the_cache_changes_nothing(tiny, cuts):
    tokens = np.random.default_rng(1).integers(0, len(TOKENS), (2, 9))
    cache, position, found = tiny.start_cache(2, 12), 0, []
    for steps in cuts:
        logits, cache = tiny.step(tokens[:, position : position + steps], cache, position)
        assert logits.shape == (2, steps, len(TOKENS))
        found.append(logits)
        position += steps
    np.testing.assert_allclose(np.concatenate(found, axis=1), tiny.logits(tokens), atol=1e-4)


@pytest.mark.parametrize(("shape", "position"), [((1, 3), 10), ((1, 3), 0), ((2,), 0), ((2, 13), 0)])
def test_tokens_that_do_not_fit_into_the_cache_are_refused(tiny, shape, position):
    with pytest.raises(ValueError, match="do not fit into a cache for 2 texts of 12 tokens"):
        tiny.step(np.zeros(shape), tiny.start_cache(2, 12), position)


def test_a_packed_tensor_is_unpacked(tmp_path):
    name, tensors = "blk.0.ffn_up.weight", planted_tensors()
    file = read_gguf(plant(tmp_path / "packed.gguf", packed=[name]))
    np.testing.assert_allclose(file.array(name, INNER, WIDTH), tensors[name], atol=np.abs(tensors[name]).max() / 100)


def test_the_tokenizer_merges_pairs_and_splits_digits(planted):
    tokenizer = tokenizer_of(read_gguf(planted))
    pieces = [tokenizer.tokens[number] for number in tokenizer.encode("hello w12<|end|>é")]
    assert pieces == ["hello", "Ġw", "1", "2", "<|end|>", "Ã", "©"]
    assert tokenizer.decode(tokenizer.encode("hello w12<|end|>é 中")) == "hello w12<|end|>é 中"


def test_the_chat_template_of_the_file_is_used_and_cannot_reach_out(tiny):
    assert tiny.chat([{"role": "user", "content": "hi"}]) == "<user>hi>"
    mean = language.LanguageModel(tiny.model, tiny.tokenizer, 0, "{{ messages.__class__.__mro__ }}")
    with pytest.raises(data.DataError, match=r"chat template of the model cannot be used .*private attribute"):
        mean.chat([])


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.1, 0.3, 0.6, 0.99])
def test_a_file_cut_short_is_one_clear_error(planted, tmp_path, share):
    content = planted.read_bytes()
    (tmp_path / "short.gguf").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(data.DataError, match=r"short\.gguf cannot be read as a GGUF file .* cut short.*data verify"):
        language.language_model(tmp_path / "short.gguf")


def retype(path, name, number):
    """Overwrite the type in the entry of one tensor: it follows the name, the number of axes and their sizes."""
    content = bytearray(path.read_bytes())
    place = content.index(name.encode()) + len(name)
    axes = int.from_bytes(content[place : place + 4], "little")
    content[place + 4 + 8 * axes : place + 8 + 8 * axes] = number.to_bytes(4, "little")
    path.write_bytes(content)


def test_a_tensor_of_an_unknown_type_is_one_clear_error(tmp_path):
    path = plant(tmp_path / "new.gguf")
    retype(path, "blk.1.attn_v.weight", 999)
    with pytest.raises(data.DataError, match=r"999\)? is not a valid GGMLQuantizationType.* or newer"):
        language.language_model(path)


def test_a_type_that_cannot_be_unpacked_is_one_clear_error(tmp_path):
    path = plant(tmp_path / "integers.gguf")
    retype(path, "output_norm.weight", gguf.GGMLQuantizationType.I32)
    with pytest.raises(data.DataError, match=r"output_norm\.weight is of type I32, which cannot be unpacked"):
        language.language_model(path)


@pytest.mark.parametrize(
    ("planting", "message"),
    [
        ({"tokens": []}, r"lacks 'tokenizer\.ggml\.tokens', which the model needs"),
        ({"merges": ["h zz"]}, "vocabulary and merges do not fit together"),
        ({"merges": ["h"]}, "vocabulary and merges do not fit together"),
        ({"leave_out": ["blk.1.ffn_up.weight"]}, r"has no tensor 'blk\.1\.ffn_up\.weight'"),
        (
            {"tensors": planted_tensors() | {"output_norm.weight": np.ones(3, "float32")}},
            r"shape \(3,\), expected \(32,\)",
        ),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(tmp_path, planting, message):
    with pytest.raises(data.DataError, match=message):
        language.language_model(plant(tmp_path / "damaged.gguf", **planting))


WHOLE, REAL, WORD = gguf.GGUFValueType.INT64, gguf.GGUFValueType.FLOAT32, gguf.GGUFValueType.STRING
SIZES = {"layers": "block_count", "heads": "attention.head_count", "key heads": "attention.head_count_kv"}
SIZES |= {"width": "embedding_length", "inner": "feed_forward_length"}
REALS = {"base": "rope.freq_base", "epsilon": "attention.layer_norm_rms_epsilon"}


@pytest.mark.parametrize(
    ("size", "value", "message"),
    [
        ("layers", 2**40, r"has no tensor 'blk\.2\.attn_q\.weight'"),
        *[("layers", value, "sizes that do not fit together") for value in (0, -1)],
        *[("heads", value, "sizes that do not fit together") for value in (0, -4, 3, 32, 2**40)],
        *[("key heads", value, "sizes that do not fit together") for value in (0, 3, 8)],
        ("key heads", 1, r"blk\.0\.attn_k\.weight has shape \(16, 32\), expected \(8, 32\)"),
        ("width", 0, "sizes that do not fit together"),
        ("width", 2**40, r"token_embd\.weight has shape \(262, 32\), expected \(262, 1099511627776\)"),
        ("inner", 2**40, r"ffn_gate\.weight has shape \(64, 32\), expected \(1099511627776, 32\)"),
        ("inner", 0, "sizes that do not fit together"),
        *[("base", value, "a rotation base of") for value in (0.0, -1.0, float("inf"), float("nan"))],
        *[("epsilon", value, "an epsilon of") for value in (0.0, 1.0, float("nan"))],
    ],
)
def test_no_model_is_built_of_sizes_that_are_not_those_of_the_tensors(tmp_path, size, value, message):
    key = f"llama.{(SIZES | REALS)[size]}"
    facts = [(key, value, REAL if size in REALS else WHOLE)]
    with pytest.raises(data.DataError, match=message):
        language.language_model(plant(tmp_path / "hostile.gguf", facts=facts))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("llama.block_count", "2", "'llama.block_count' is of type str, expected int"),
        ("llama.rope.freq_base", "2", "is of type str, expected float"),
        ("tokenizer.ggml.tokens", "abc", "is of type str, expected list"),
        ("tokenizer.ggml.merges", "a b", "is of type str, expected list"),
        ("tokenizer.chat_template", "{{ 9 ** 9 ** 9 }}", "chat template of the model cannot be used"),
        ("tokenizer.ggml.eos_token_id", -1, "ends an answer with token -1"),
        ("tokenizer.ggml.eos_token_id", 262, "ends an answer with token 262"),
    ],
)
def test_a_fact_of_another_kind_is_named(tmp_path, key, value, message):
    facts = [(key, value, WORD if isinstance(value, str) else WHOLE)]
    with pytest.raises(data.DataError, match=message):
        language.language_model(plant(tmp_path / "hostile.gguf", facts=facts))


def test_a_token_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(data.DataError, match="a token comes twice, or has no kind"):
        language.language_model(plant(tmp_path / "twice.gguf", tokens=[*TOKENS[:-1], TOKENS[0]], merges=["h e"]))


@pytest.mark.parametrize(
    ("old", "new", "message"), [("llama", "mamba", "'mamba', expected 'llama'"), ("gpt2", "gpt3", "gpt3")]
)
def test_a_model_of_another_kind_is_refused(planted, tmp_path, old, new, message):
    content = planted.read_bytes().replace(
        len(old).to_bytes(8, "little") + old.encode(), len(new).to_bytes(8, "little") + new.encode()
    )
    (tmp_path / "other.gguf").write_bytes(content)
    with pytest.raises(data.DataError, match=message):
        language.language_model(tmp_path / "other.gguf")
