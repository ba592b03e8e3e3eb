"""A tiny planted Whisper: computed as written out in NumPy, driven by the one protocol, and refused when damaged."""

import json
import struct
import tracemalloc

import numpy as np
import planted_whisper as planted
import pytest

from bmkit import data
from bmkit.backend import keras
from bmkit.generate import beam_search, generate
from bmkit.pretrained import ct2_file, speech
from bmkit.pretrained.ct2_file import read_ct2
from bmkit.pretrained.sounds import SoundError

RATE = 16_000
SOUND = np.sin(np.arange(RATE) ** 1.5 / 900) * np.hanning(RATE)  # one second whose pitch rises
TENSORS = planted.planted_tensors()
HONEST = planted.whole(TENSORS)
ONE = {"t": np.array([[1, 2], [3, 4]], "float32"), "n": np.array(7, "int16")}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return speech.speech_recogniser(planted.plant(tmp_path_factory.mktemp("whisper")))


@pytest.fixture(scope="module")
def heard(tiny):
    return tiny.listen(SOUND, RATE)


def test_the_features_are_those_written_out_in_numpy(tiny):
    bands = planted.BANDS
    sound = np.pad(np.concatenate([SOUND, np.zeros(29 * RATE)]), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.array([sound[160 * n : 160 * n + 400] * window for n in range(3000)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    # Slaney's scale: linear up to 1,000 Hz, 15 mel there, then 27 mel for each factor of 6.4; triangles of equal area.
    mel = np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), bands + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    hertz = np.arange(201) * RATE / 400
    triangles = [
        2 / (right - left) * np.interp(hertz, [left, middle, right], [0, 1, 0])
        for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    logarithms = np.log10(np.maximum(power @ np.array(triangles).T, 1e-10))
    expected = (np.maximum(logarithms, logarithms.max() - 8) + 4) / 4
    features = tiny.features(SOUND, RATE)
    assert features.shape == (600, bands) and features.dtype == "float32"  # the sound and five seconds more
    np.testing.assert_allclose(features, expected[:600], atol=2e-3)


def test_the_network_computes_what_is_written_out_in_numpy(tiny, heard):
    features = tiny.features(SOUND, RATE)
    tokens = np.array([planted.START, planted.PLAIN, 40, 7, 99])
    by_hand = planted.ByHand(TENSORS)
    encoded = by_hand.encode(features)
    inputs = {"encoder_features": features[np.newaxis], "decoder_token_ids": tokens[np.newaxis]}
    outputs = tiny.model(inputs | {"decoder_padding_mask": np.ones((1, 5), "int32")})
    np.testing.assert_allclose(outputs["encoder_sequence_output"][0], encoded, atol=1e-3)
    expected = by_hand.logits(tokens, encoded)
    cache, found = heard.start_cache(1, 5), []
    for position, token in enumerate(tokens):
        logits, cache = heard.step([[token]], cache, position)
        found.append(logits[0, 0])
    at_once, _ = heard.step(tokens[np.newaxis], heard.start_cache(1, 5), 0)
    allowed = np.isfinite(found)
    np.testing.assert_allclose(np.array(found)[allowed], expected[allowed], atol=1e-3)
    np.testing.assert_allclose(at_once[0][allowed], expected[allowed], atol=1e-3)
    assert (np.isfinite(at_once[0]) == allowed).all()


def test_what_is_never_written_has_no_chance_and_what_is_never_first_has_one_later(tiny, heard):
    logits, _ = heard.step(heard.prompt[np.newaxis], heard.start_cache(1, 3), 0)
    later, _ = heard.step([[*heard.prompt, 5]], heard.start_cache(1, 3), 0)
    never = [1, 2, planted.START, planted.SILENT, planted.PLAIN, planted.VOCABULARY - 1]
    assert heard.stop == planted.END and np.isneginf(logits[0, 1, [*never, 3, planted.END]]).all()
    assert np.isneginf(later[0, 2, never]).all() and np.isfinite(later[0, 2, [3, planted.END]]).all()


def test_one_protocol_drives_it_with_and_without_a_cache_alone_and_in_company(tiny, heard):
    tokens = generate(heard, heard.prompt, 9, stop=heard.stop)
    np.testing.assert_array_equal(tokens, generate(heard, heard.prompt, 9, stop=heard.stop, cache=False))
    pair = generate(heard, np.stack([heard.prompt, heard.prompt]), 9, stop=heard.stop)
    np.testing.assert_array_equal(pair, [tokens, tokens])
    greedy, score = beam_search(heard, heard.prompt, 9, beams=1, stop=heard.stop)
    np.testing.assert_array_equal(greedy, tokens)
    assert beam_search(heard, heard.prompt, 9, beams=4, stop=heard.stop)[1] >= score - 0.5  # it may lose its beginning
    assert tiny.text([*tokens, planted.END]) == tiny.text(tokens) and 0 < heard.no_speech < 1


def test_a_long_sound_is_heard_in_pieces_and_a_text_has_an_end(tiny):
    alone = [tiny.transcribe(SOUND, RATE, most_tokens=count) for count in (0, 5)]
    assert alone[0] == "" and tiny.transcribe(SOUND, RATE, most_tokens=5, beams=2) is not None
    long = np.concatenate([SOUND, np.zeros(28 * RATE), SOUND])
    assert len(tiny.transcribe(long, RATE, most_tokens=5)) > 0
    with pytest.raises(SoundError, match=r"lasts 30\.10 s, but 30 s at most"):
        tiny.listen(np.ones(30 * RATE + 1600) * 0.1, RATE)
    with pytest.raises(ValueError, match="33 tokens are asked for, marks included, but this model writes at most 32"):
        tiny.transcribe(SOUND, RATE, most_tokens=31)


def test_a_model_of_many_languages_is_told_which_and_one_of_english_takes_no_other(tiny, monkeypatch):
    assert tiny.listen(SOUND, RATE).prompt.tolist() == [planted.START, planted.PLAIN]
    with pytest.raises(ValueError, match="language is 'zh', but this model knows English alone"):
        tiny.transcribe(SOUND, RATE, language="zh")
    monkeypatch.setattr(speech, "ENGLISH_ONLY", planted.VOCABULARY - 1)
    chinese, transcribe = planted.START + 2, planted.START + 3
    assert tiny.listen(SOUND, RATE, language="zh").prompt.tolist() == [
        planted.START, chinese, transcribe, planted.PLAIN,
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"no token '<\|xx\|>'"):
        tiny.listen(SOUND, RATE, language="xx")


def test_a_step_that_does_not_fit_is_refused(heard):
    for tokens, position in (([[1, 2]], 2), ([[1], [2]], 0), ([1], 0)):
        with pytest.raises(ValueError, match="do not fit into a cache for 1 texts of 3 tokens"):
            heard.step(tokens, heard.start_cache(1, 3), position)


def test_parts_of_a_model_are_joined(tiny, tmp_path):
    content = planted.plant(tmp_path).joinpath("model.bin").read_bytes()
    (tmp_path / "model.bin").unlink()
    (tmp_path / "model.bin.part1").write_bytes(content[:1000])
    (tmp_path / "model.bin.part2").write_bytes(content[1000:])
    joined = speech.speech_recogniser(tmp_path)
    assert joined.transcribe(SOUND, RATE, most_tokens=9) == tiny.transcribe(SOUND, RATE, most_tokens=9)


def packed(**changes):
    """Return a file of one tensor whose head says something else."""
    said = {"axes": 2, "shape": (2, 2), "form": 0, "size": 16, "name": planted.text("t")} | changes
    head = struct.pack("<I", 6) + planted.text("K") + struct.pack("<II", 3, 1) + said["name"]
    head += struct.pack(f"<B{len(said['shape'])}IBI", said["axes"], *said["shape"], said["form"], said["size"])
    return head + ONE["t"].tobytes() + struct.pack("<I", 0)


DAMAGED = {
    "nothing": b"",
    "zeros": bytes(100),
    "version 5": planted.whole(ONE, version=5),
    "the other byte order": struct.pack(">I", 6) + planted.whole(ONE)[4:],
    "a head alone": planted.whole(ONE)[:9],
    "2**32 - 1 tensors": planted.whole(ONE, count=2**32 - 1),
    "10,001 tensors": planted.whole(ONE, count=10_001),
    "more tensors than there are": planted.whole(ONE, count=3),
    "fewer tensors than there are": planted.whole(ONE, count=1),
    "2**32 - 1 aliases": planted.whole(ONE, aliases=2**32 - 1),
    "more aliases than there are": planted.whole(ONE, aliases=2),
    "no alias where one is": planted.whole(ONE, aliases=0),
    "a tensor twice": planted.whole(ONE)[:-4].replace(planted.text("n"), planted.text("t")),
    "a name without an end": packed(name=struct.pack("<H", 1) + b"t"),
    "a name of no bytes": packed(name=struct.pack("<H", 0)),
    "a name past the end": packed(name=struct.pack("<H", 65_535) + b"t\0"),
    "a name that is no UTF-8": packed(name=struct.pack("<H", 2) + b"\xff\0"),
    "255 axes": packed(axes=255),
    "an unknown type": packed(form=5),
    "another type": packed(form=4),
    "a size of 2**32 - 1": packed(size=2**32 - 1),
    "a size that is too small": packed(size=12),
    "a shape of (2**31, 2**31)": packed(shape=(2**31, 2**31)),
    "a shape of (2**16, 2**16 + 1)": packed(shape=(2**16, 2**16 + 1)),
    "something behind its end": planted.whole(ONE) + b"\0",
    "one byte less": planted.whole(ONE)[:-1],
    "a half": HONEST[: len(HONEST) // 2],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_clear_error_and_takes_no_memory(tmp_path, name):
    path = tmp_path / "model.bin"
    path.write_bytes(DAMAGED[name])
    tracemalloc.start()
    with pytest.raises(data.DataError, match=r"model\.bin cannot be read as a model of CTranslate2") as told:
        read_ct2(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(told.value).isprintable() and len(str(told.value)) < 500
    assert peak < 2**20 and "MemoryError" not in str(told.value)


def test_an_honest_file_is_read_and_each_tensor_is_what_was_asked_for(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(planted.whole(ONE))
    file = read_ct2(path)
    assert (file.facts["kind"], list(file.tensors), file.size("n")) == ("WhisperSpec", ["t", "n"], 7)
    np.testing.assert_array_equal(file.array("t", 2, 2), ONE["t"])
    path.write_bytes(packed())
    assert read_ct2(path).array("t", 2, 2).tolist() == [[1, 2], [3, 4]]
    for ask, message in (
        (lambda: file.array("t", 4), r"t has shape \(2, 2\), expected \(4,\)"),
        (lambda: file.array("n"), "n is int16"),
        (lambda: file.size("t"), "t is float32"),
        (lambda: file.array("u", 1), "has no tensor 'u'"),
    ):
        with pytest.raises(data.DataError, match=message):
            ask()


def test_the_number_of_tensors_is_bounded_exactly(tmp_path, monkeypatch):
    path = tmp_path / "model.bin"
    path.write_bytes(planted.whole(ONE))
    monkeypatch.setattr(ct2_file, "MOST_TENSORS", 3)  # two tensors and a second name
    assert len(read_ct2(path).tensors) == 2
    monkeypatch.setattr(ct2_file, "MOST_TENSORS", 2)
    with pytest.raises(data.DataError, match="more than 2 values"):
        read_ct2(path)


@pytest.mark.slow
def test_mutants_of_an_honest_file_are_read_or_refused(tmp_path):
    path, random = tmp_path / "mutant.bin", np.random.default_rng(0)
    for _ in range(1500):
        mutant = bytearray(planted.whole(ONE))
        for _ in range(random.integers(1, 4)):
            place, length = random.integers(len(mutant)), random.integers(3)
            mutant[place : place + length] = random.bytes(int(random.integers(3)))
        path.write_bytes(mutant)
        try:
            assert all(len(one.shape) <= 4 for one in read_ct2(path).tensors.values())
        except data.DataError as error:
            assert str(error).isprintable()


def changed(name, value):
    return TENSORS | {name: value}


KEYS = TENSORS["encoder/layer_0/self_attention/linear_0/bias"].copy()
KEYS[planted.WIDTH] = 1
WRONG = {
    "another kind": ({"kind": "TransformerSpec"}, "of the kind 'TransformerSpec', expected 'WhisperSpec'"),
    "no layers": ({"tensors": {k: v for k, v in TENSORS.items() if "layer_0/ffn" not in k}}, "has no tensor"),
    "a tensor too few": (
        {"tensors": {k: v for k, v in TENSORS.items() if k != "decoder/layer_1/attention/linear_2/bias"}},
        "has no tensor 'decoder/layer_1/attention/linear_2/bias'",
    ),
    "another shape": (
        {"tensors": changed("encoder/conv2/weight", np.zeros((8, 8, 2), "float16"))},
        r"encoder/conv2/weight has shape \(8, 8, 2\), expected \(8, 8, 3\)",
    ),
    "another number of axes": (
        {"tensors": changed("decoder/embeddings/weight", np.zeros(8, "float16"))},
        "decoder/embeddings/weight has 1 axes, expected 2",
    ),
    "fewer positions": (
        {"tensors": changed("encoder/position_encodings/encodings", np.zeros((100, 8), "float16"))},
        r"has shape \(100, 8\), expected",
    ),
    "weights of 8 bits": (
        {"tensors": changed("decoder/layer_0/ffn/linear_0/weight", np.zeros((12, 8), "int8"))},
        "ffn/linear_0/weight is int8",
    ),
    "no number": (
        {"tensors": changed("decoder/layer_norm/beta", np.full(8, np.nan, "float16"))},
        "decoder/layer_norm/beta holds infinite numbers, or what is no number",
    ),
    "heads that do not divide": (
        {"tensors": TENSORS | {f"{s}/num_heads": np.array(3, "int16") for s in ("encoder", "decoder")}},
        "sizes that do not fit together: 2 and 2 layers, 3 heads",
    ),
    "no heads": (
        {"tensors": TENSORS | {f"{s}/num_heads": np.array(0, "int16") for s in ("encoder", "decoder")}},
        "sizes that do not fit together: 2 and 2 layers, 0 heads",
    ),
    "keys with a bias": (
        {"tensors": changed("encoder/layer_0/self_attention/linear_0/bias", KEYS)},
        "keys in encoder/layer_0 have a bias",
    ),
    "another activation": (
        {"tensors": changed("decoder/activation", np.array(0, "int8"))},
        "decoder/activation is 0, but in a Whisper it is 3",
    ),
    "a token that is not there": ({"config": planted.CONFIG | {"suppress_ids": [10**6]}}, "cannot be read as those of"),
    "a token that is no number": ({"config": planted.CONFIG | {"suppress_ids": ["a"]}}, "cannot be read as those of"),
    "no list": ({"config": {"suppress_ids": [1]}}, "KeyError: 'suppress_ids_begin'|KeyError"),
    "more tokens than the network": ({"marks": [*planted.MARKS, *(f"<{n}>" for n in range(9))]}, "none of the 267"),
    "no mark of the end": ({"marks": planted.MARKS[1:]}, "a token is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_model_is_one_clear_error(tmp_path, name):
    changes, message = WRONG[name]
    with pytest.raises(data.DataError, match=message) as told:
        speech.speech_recogniser(planted.plant(tmp_path, **changes))
    assert "data verify" in str(told.value) or "expected 'WhisperSpec'" in str(told.value)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("share", [None, 0, 0.5, 0.99])
def test_a_missing_file_or_one_cut_short_is_one_clear_error(tmp_path, name, share):
    path = planted.plant(tmp_path) / name
    content = path.read_bytes()
    path.unlink()
    if share is not None:
        path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(data.DataError, match="cannot be read as"):
        speech.speech_recogniser(tmp_path)


def test_the_planted_files_are_what_they_seem(tiny):
    assert json.loads(json.dumps(planted.CONFIG)) == planted.CONFIG
    assert tiny.tokenizer.token_to_id("<|notimestamps|>") == planted.PLAIN
    weights = sum(np.size(values) for name, values in TENSORS.items() if values.dtype == "float16")
    keys = 3 * planted.LAYERS * planted.WIDTH  # biases that KerasHub's layers do not have
    assert tiny.model.count_params() == weights - keys
    assert keras.ops.shape(tiny.model.token_embedding.embeddings) == (planted.VOCABULARY, planted.WIDTH)
