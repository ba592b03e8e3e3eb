"""A tiny planted E5 file: read as its format means it, and one clear error for each way in which it is damaged."""

import tracemalloc

import numpy as np
import pytest
from e5_by_hand import LETTERS, PIECES, SIZES, pieces_by_hand, vector_by_hand, written

from bmkit import data
from bmkit.backend import keras
from bmkit.pretrained import multilingual
from bmkit.pretrained.e5_file import read_e5

SOUND = written()
TEXTS = ["ab a 中文", "é", "", "a\tＡ  b…", "中 文ab", "?!a?", "\N{WAVING HAND SIGN}"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    path = tmp_path_factory.mktemp("e5") / "tiny.bin"
    path.write_bytes(SOUND)
    return path


@pytest.fixture(scope="module")
def tiny(planted):
    return multilingual.e5_encoder(planted)


@pytest.mark.parametrize("text", TEXTS)
def test_a_vector_is_what_the_layout_means(tiny, text):
    tokens = tiny.inputs([text])["token_ids"][0]
    (vector,) = tiny.encode([text])
    np.testing.assert_allclose(vector, vector_by_hand(SOUND, SIZES, tokens, as_kept=True), atol=1e-4)
    assert vector @ vector_by_hand(SOUND, SIZES, tokens) > 0.999  # 4-bit numbers and GELU as they are published


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_into_its_likeliest_pieces(tiny, text):
    names = [piece for piece, _ in PIECES]
    expected = pieces_by_hand("query: " + text, dict(PIECES[4:]), LETTERS)
    found = tiny.inputs([text])["token_ids"][0].tolist()
    assert found == [0, *(names.index(piece or "<unk>") for piece in expected), 2]


def test_letters_are_written_in_one_way_and_pieces_come_back_as_text(tiny):
    numbers = tiny.tokenizer(["Ａb  中文", "ab 中文", "e\N{COMBINING ACUTE ACCENT}", "é"])
    assert numbers[0] == numbers[1] and numbers[2] == numbers[3]
    assert tiny.tokenizer.detokenize(numbers[0]) == "ab 中文"


def test_it_behaves_as_its_elder(tiny):
    assert tiny.encode([]).shape == (0, 32) and tiny.encode("ab").shape == (1, 32)
    inputs = tiny.inputs(["ab a 中文 " * 5000, ""], length=20)
    assert inputs["token_ids"].shape == (2, 20) and inputs["padding_mask"].sum(axis=1).tolist() == [20, 5]
    assert (inputs["token_ids"][1, 5:] == 1).all() and not inputs["segment_ids"].any()
    alone = np.concatenate([tiny.encode([text], length=20) for text in TEXTS])
    np.testing.assert_allclose(tiny.encode(TEXTS[::-1], batch_size=2, length=20)[::-1], alone, atol=1e-5)
    means = tiny.layer_means(TEXTS, length=20)
    last = means[:, 1] / np.linalg.norm(means[:, 1], axis=1, keepdims=True)
    assert means.shape == (7, 2, 32)
    np.testing.assert_allclose(last, alone, atol=1e-5)
    with pytest.raises(TypeError, match="not a list of texts"):
        tiny.encode(["a", None])
    with pytest.raises(ValueError, match="a text has 256 tokens, the model places for 24; give length=24 or less"):
        tiny.encode(["ab " * 10_000])
    with pytest.raises(ValueError, match="length is 1; expected 2 or more"):
        tiny.encode(["a"], length=1)


def test_the_table_stays_packed_and_is_left_alone_by_training(tiny):
    table, scales = tiny.model.token_embedding.weights
    assert (table.dtype, tuple(table.shape), tuple(scales.shape)) == ("int8", (18, 32), (18,))
    assert not tiny.model.token_embedding.trainable_weights and len(tiny.sentences.trainable_weights) == 36
    assert not keras.ops.convert_to_numpy(tiny.model(tiny.inputs(["a"]))["pooled_output"]).any()


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.03, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_one_clear_error(planted, tmp_path, share):
    (tmp_path / "short.bin").write_bytes(SOUND[: int(len(SOUND) * share)])
    with pytest.raises(data.DataError, match=r"short\.bin cannot be read as an E5 file .* cut short.*data verify"):
        multilingual.e5_encoder(tmp_path / "short.bin")


HUGE = 2**31 - 1
FILES = {
    "another mark": b"E5S2" + SOUND[4:],
    "another version": written(version=2),
    "blocks of 16": written(block=16),
    "an epsilon of 0": written(epsilon=0),
    "an epsilon that is none": written(epsilon=float("nan")),
    "no pieces": written(count=0),
    "2**31 pieces": written(count=HUGE),
    "a million pieces": written(count=1_000_001),
    "a piece of no letters": written(ends=[0, 3, 3, *range(4, 17)]),
    "pieces past their end": written(ends=[0, *range(3, 17), 2**32 - 1]),
    "a piece that is no UTF-8": written(pieces=[*PIECES, (b"\xff", -1)]),
    "a piece twice": written(pieces=[*PIECES, PIECES[-1]]),
    "a score that is no number": written(pieces=[*PIECES, ("x", float("nan"))]),
    "a mark that is no piece": written(marks=(0, 2, 1, 15)),
    "2**31 letters": written(letters_count=HUGE),
    "more letters than there are": written(letters_count=5),
    "letters of another length": written(letters_bytes=1),
    "letters that end past the file": written(letters_bytes=HUGE),
    "half a letter": written(letters={65: "\ud800"}),
    "2**31 tensors": written(tensor_count=HUGE),
    "more tensors than there are": written(tensor_count=50),
    "a tensor twice": written(twice=["emb.pos"]),
    "a tensor of an unknown type": written(tensors={"emb.pos": (2, 768, 0, 3072)}),
    "a tensor past the end": written(tensors={"emb.pos": (0, 768, len(SOUND), 3072)}),
    "a place that wraps": written(tensors={"emb.pos": (0, 768, 2**64 - 1, 3072)}),
    "a tensor of another length": written(tensors={"emb.pos": (0, 768, 0, 3071)}),
    "2**32 numbers": written(tensors={"emb.pos": (0, 2**32 - 1, 0, 3072)}),
    "a block that ends too early": written(tensors={"emb.word": (1, 577, 0, 324)}),
    "tensors one upon the other": written(tensors={"emb.word": (1, len(SOUND) // 18 * 32, 0, len(SOUND) // 18 * 18)}),
}
MISFITS = {
    "a tensor too few": (written(leave_out=["l1.fo.w"]), "has no tensor 'l1.fo.w'"),
    "a layer too many": (written(sizes={"layers": 3}), "has no tensor 'l2.q.w'"),
    "2**31 layers": (written(sizes={"layers": HUGE}), "sizes that do not fit together"),
    "no layers": (written(sizes={"layers": 0}), "sizes that do not fit together"),
    "2**31 places": (written(sizes={"places": HUGE}), r"emb.pos has shape \(768,\), expected \(68719476704,\)"),
    "2**31 rows": (written(sizes={"rows": HUGE}), r"emb.word has shape \(576,\), expected"),
    "fewer rows than pieces": (written(sizes={"rows": 14}), "sizes that do not fit together"),
    "heads that do not divide the width": (written(sizes={"heads": 5}), "sizes that do not fit together"),
    "another width": (written(sizes={"width": 64}), "emb.word has shape"),
    "another epsilon": (written(epsilon=1e-5), "has an epsilon of"),
}


def refused(path, content):
    """Return the message with which a file is refused, and how many bytes were taken meanwhile."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(data.DataError, match=path.name) as told:
            multilingual.e5_encoder(path)
        return str(told.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_before_memory_is_taken(tmp_path, name):
    told, most = refused(tmp_path / "hostile.bin", FILES[name])
    assert "cannot be read as an E5 file" in told and told.isprintable() and len(told) < 500
    assert most < 2**22 and "MemoryError" not in told and "NameError" not in told


@pytest.mark.parametrize("name", MISFITS)
def test_a_file_of_another_network_is_refused_before_memory_is_taken(tmp_path, name):
    content, expected = MISFITS[name]
    told, most = refused(tmp_path / "misfit.bin", content)
    assert most < 2**22
    with pytest.raises(data.DataError, match=expected):
        raise data.DataError(told)


@pytest.mark.slow
def test_mutants_of_an_honest_file_are_read_or_refused(tmp_path):
    path, random, head = tmp_path / "mutant.bin", np.random.default_rng(0), len(SOUND) - 40_000
    for _ in range(500):
        mutant = bytearray(SOUND)
        for _ in range(random.integers(1, 4)):
            place, length = random.integers(max(head, 1500)), random.integers(3)
            mutant[place : place + length] = random.bytes(int(random.integers(3)))
        path.write_bytes(mutant)
        try:
            assert read_e5(path).tensors
        except data.DataError as error:
            assert str(error).isprintable()
