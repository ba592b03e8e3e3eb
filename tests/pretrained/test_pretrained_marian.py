"""A tiny planted network of Marian: it answers as computed by hand, and each damage is one clear error."""

import shutil
import struct
import tracemalloc

import marian_planting as planting
import numpy as np
import pytest

from bmkit import data, generate, scratch
from bmkit.pretrained.marian_file import read_marian
from bmkit.pretrained.translators import translator

SOURCES = ["abc de", "h", "ab fgh bc de a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return planting.plant(tmp_path_factory.mktemp("marian"))


@pytest.fixture(scope="module")
def tiny(folder):
    return translator(folder)


@pytest.fixture(scope="module")
def by_hand():
    values = {name: value.astype("float64") for name, value in planting.tensors().items()}
    return planting.ByHand(values, planting.HEADS)


@pytest.mark.parametrize("floats", [False, True])
def test_weights_of_eight_bits_and_floats_are_read_as_they_were_meant(tmp_path, floats):
    (tmp_path / "model.bin").write_bytes(planting.model_file(floats=floats))
    file = read_marian(tmp_path / "model.bin")
    assert set(file.tensors) == set(planting.tensors())
    for name, values in planting.tensors().items():
        np.testing.assert_allclose(file.array(name, *values.shape), values, atol=1e-6)


def test_the_encoder_reads_as_computed_by_hand_whatever_stands_beside(tiny, by_hand):
    reading = tiny.read(SOURCES)
    for row, sentence in enumerate(SOURCES):
        pieces = tiny.encode(sentence)
        assert pieces[-1] == 0 and reading.source[row, : len(pieces)].tolist() == pieces
        np.testing.assert_allclose(reading.vectors[row, : len(pieces)], by_hand.read(pieces), atol=1e-4)


@pytest.mark.parametrize("cuts", [(7,), (3, 4), (1,) * 7])
def test_the_decoder_writes_as_computed_by_hand_however_it_is_asked(tiny, by_hand, cuts):
    reading = tiny.read(SOURCES)
    target = np.concatenate([np.zeros((3, 1), int), np.random.default_rng(1).integers(0, 14, (3, 6))], axis=1)
    cache, position, found = reading.start_cache(3, 7), 0, []
    for steps in cuts:
        scores, cache = reading.step(target[:, position : position + steps], cache, position)
        position += steps
        found.append(scores)
    found, known = np.concatenate(found, axis=1), np.arange(14) != 1
    assert (found[..., 1] < -1e8).all(), "the unknown piece is never written"
    for row, sentence in enumerate(SOURCES):
        expected = by_hand.write(by_hand.read(tiny.encode(sentence)), target[row])
        np.testing.assert_allclose(found[row][:, known], expected[:, known], atol=1e-3)
    np.testing.assert_allclose(tiny.model.predict_on_batch([reading.source, target]), found, rtol=1e-5, atol=1e-4)


def test_greedy_with_a_cache_writes_what_reading_all_again_writes(tiny):
    reading = tiny.read(SOURCES)
    prompt = np.zeros((3, 1), int)
    cached = generate.generate(reading, prompt, 12, stop=0)
    np.testing.assert_array_equal(cached, generate.generate(reading, prompt, 12, stop=0, cache=False))
    written = generate.translate(tiny.model, reading.source, start=0, end=0, length=12)
    np.testing.assert_array_equal(cached[:, 1:], written[:, : cached.shape[1] - 1])
    assert len(set(cached[:, 1:].ravel())) > 2, "it writes more than one piece"


def test_beams_score_what_they_write_and_one_beam_is_greedy(tiny, by_hand):
    reading, prompt = tiny.read(SOURCES), np.zeros((3, 1), int)
    greedy, before = generate.beam_search(reading, prompt, 6, beams=1, stop=0)
    np.testing.assert_array_equal(greedy, generate.generate(reading, prompt, 6, stop=0))
    found, scores = generate.beam_search(reading, prompt, 6, beams=14, stop=0)
    assert (scores >= before - 1e-6).all() and (scores > before + 1e-3).any()
    for row, sentence in enumerate(SOURCES):
        scored = by_hand.write(by_hand.read(tiny.encode(sentence)), found[row, :-1])
        scored[:, 1] = -1e9
        log_p = scratch.log_softmax(scored)[np.arange(found.shape[1] - 1), found[row, 1:]]
        ends = np.flatnonzero(found[row, 1:] == 0)
        assert scores[row] == pytest.approx(log_p[: ends[0] + 1 if ends.size else None].mean(), abs=1e-3)


@pytest.mark.parametrize("beams", [1, 3])
def test_sentences_are_translated_in_their_order_and_each_for_itself(tiny, beams):
    whole = tiny.translate([*SOURCES, "", "  "], beams=beams)
    assert whole[3:] == ["", ""] and all(isinstance(text, str) for text in whole)
    assert tiny.translate(SOURCES[::-1], beams=beams)[::-1] == whole[:3] and len(set(whole)) > 2
    assert tiny.translate([]) == []
    if beams == 1:  # a search with beams that finds no end depends on how much room its batch has
        assert tiny.translate(SOURCES[::-1], batch_size=1)[::-1] == whole[:3]
        assert tiny.translate(SOURCES[1]) == [whole[1]]


def test_input_that_cannot_be_translated_is_one_clear_sentence(tiny):
    with pytest.raises(ValueError, match=r"sentence 1 has 10,00\d pieces, the network reads 256 at most; cut it"):
        tiny.translate(["a", "a" + "h" * 10_000])
    with pytest.raises(TypeError, match=r"not a list of texts \(str\)"):
        tiny.translate([b"a"])
    with pytest.raises(ValueError, match="beams is 0"):
        tiny.translate(["a"], beams=0)
    with pytest.raises(ValueError, match="give at least one"):
        tiny.read([])
    with pytest.raises(ValueError, match="4 texts cannot be shared among 3 sentences"):
        tiny.read(SOURCES).start_cache(4, 9)
    assert len(tiny.translate(["你好，世界 😀 привет"])) == 1


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.3, 0.6, 0.99, 0.9999])
def test_a_file_cut_short_is_one_clear_error(folder, tmp_path, share):
    content = planting.model_file()
    (tmp_path / "model.bin").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(data.DataError, match=r"model\.bin cannot be read as a Marian file .* cut short, .*data verify"):
        read_marian(tmp_path / "model.bin")


def one(**wrong):
    """Return a file of one tensor of 2 × 3 numbers that lies about a size."""
    given = {"name": "t", "kind": planting.FLOAT, "shape": (2, 3), "content": bytes(24)}
    given |= {key: wrong.pop(f"its_{key}") for key in list(given) if f"its_{key}" in wrong}
    text = planting.entry("special:model.yml", planting.TEXT, (2,), b"a\0")
    return planting.file_of([planting.entry(*given.values(), **wrong), text])


HUGE = 2**62
HOSTILE = {
    "zeros": bytes(4000),
    "another version": struct.pack("<2Q", 2, 1) + planting.model_file()[16:],
    "2**62 tensors": struct.pack("<2Q", 1, HUGE) + bytes(4000),
    "10,000 tensors that are not there": struct.pack("<2Q", 1, 10_000) + bytes(4000),
    "no tensors": struct.pack("<2Q", 1, 0) + bytes(4000),
    "a name of 2**62 letters": one(name=HUGE),
    "a shape of 2**62 axes": one(axes=HUGE),
    "a shape of 0 axes": one(its_shape=(), axes=0),
    "a size of 0": one(its_shape=(0, 3)),
    "a negative size": one(its_shape=(-2, -3)),
    "sizes larger than the bytes": one(its_shape=(2**30, 2**30)),
    "2**62 bytes": one(bytes=HUGE),
    "fewer bytes than numbers": one(bytes=23),
    "more bytes than numbers": one(its_content=bytes(5000)),
    "an unknown type": one(kind=0x402),
    "eight bits without a multiplier": one(its_kind=planting.BYTES, its_content=bytes(9)),
    "a name that is no UTF-8": one().replace(b"t\0special", b"\xff\0special"),
    "a name twice": one(its_name="special:model.yml"),
    "no configuration": one().replace(b"special:", b"spatial:"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_before_memory_is_taken(tmp_path, name):
    (tmp_path / "model.bin").write_bytes(HOSTILE[name])
    tracemalloc.start()
    with pytest.raises(data.DataError, match=r"model\.bin cannot be read as a Marian file") as caught:
        read_marian(tmp_path / "model.bin")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21 and str(caught.value).isprintable() and len(str(caught.value)) < 500


LINES = {
    "enc-depth: 2": ("enc-depth: 99", "has no tensor 'encoder_l3_self_Wq'"),
    "dec-depth: 2": ("dec-depth: 0", "'dec-depth' is '0', expected 1 … 100"),
    "dim-emb: 8": ("dim-emb: 8192", r"Wemb has shape \(14, 8\), expected \(14, 8192\)"),
    "  - 14\n  - 14": ("  - 9999999", r"Wemb has shape \(14, 8\), expected \(9999999, 8\)"),
    "transformer-dim-ffn: 12": ("transformer-dim-ffn: many", "'transformer-dim-ffn' is 'many', expected 1 … 65,536"),
    "transformer-heads: 2": ("transformer-heads: 3", "3 heads cannot share a width of 8"),
    "dec-cell: ssru": ("dec-cell: gru", "'dec-cell' is 'gru', expected 'ssru': it is another network"),
    "type: transformer": ("type: s2s", "'type' is 's2s', expected 'transformer'"),
}


@pytest.mark.parametrize("line", LINES)
def test_a_network_that_is_another_or_does_not_fit_is_named(tmp_path, line):
    assert line in planting.CONFIG
    instead, message = LINES[line]
    content = planting.model_file(config=planting.CONFIG.replace(line, instead))
    with pytest.raises(data.DataError, match=message):
        translator(planting.plant(tmp_path, content))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("encoder_l2_ffn_b1", np.full((1, planting.HIDDEN), np.nan), "encoder_l2_ffn_b1 holds .* what is no number"),
        ("decoder_l1_rnn_bf", np.zeros((1, 3)), r"decoder_l1_rnn_bf has shape \(1, 3\), expected \(1, 8\)"),
    ],
)
def test_numbers_that_are_none_or_do_not_fit_are_named(tmp_path, name, value, message):
    values = planting.tensors() | {name: value.astype("float32")}
    with pytest.raises(data.DataError, match=message):
        translator(planting.plant(tmp_path, planting.model_file(values)))


def test_a_tokenizer_of_another_network_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "a")
    with pytest.raises(data.DataError, match=r"tokenizer\.json has 13 pieces .* the network expects 14"):
        translator(planting.plant(tmp_path / "a", pieces=planting.PIECES[:-1]))
    swapped = ["<unk>", "</s>", *planting.PIECES[2:]]
    with pytest.raises(data.DataError, match=r"the marks \{0: '<unk>'"):
        translator(planting.plant(tmp_path / "a", pieces=swapped))
    (tmp_path / "a" / "tokenizer.json").write_text("{")
    with pytest.raises(data.DataError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        translator(tmp_path / "a")
