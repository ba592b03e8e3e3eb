"""The real translators: their numbers by hand, their translations against those of people.

Like all tests on real data these need the user's cache: `python3 -m bmkit test` fetches what is missing beforehand.
"""

import collections
import re
import subprocess
import sys

import marian_planting as planting
import numpy as np
import pytest

from bmkit import data, generate, pretrained
from bmkit.data.parcels import fetch_parcel, read_members
from bmkit.data.weights import weight_files
from bmkit.pretrained.marian_file import read_marian

pytestmark = pytest.mark.slow
SENTENCES = ["The children were playing happily in the garden.", "Open the file menu and choose Save As.", "Thanks!"]


@pytest.fixture(scope="module")
def en_pt():
    return pretrained.load("marian_en_pt")


@pytest.fixture(scope="module")
def pt_en():
    return pretrained.load("marian_pt_en")


def test_the_network_scores_as_computed_by_hand_from_the_file(en_pt):
    with weight_files("marian_en_pt") as folder:
        file = read_marian(next(folder.glob("*.bin")))
    names = [name for name in file.tensors if "QuantMultA" not in name]
    values = {name: file.array(name, *file.tensors[name].shape).astype("float64") for name in names}
    by_hand = planting.ByHand(values, heads=8)
    reading, prompt = en_pt.read(SENTENCES), np.zeros((3, 1), int)
    written = generate.generate(reading, prompt, 30, stop=0)
    scores = reading.step(written[:, :-1], reading.start_cache(3, 31), 0)[0]
    known = np.arange(scores.shape[-1]) != 1
    for row, sentence in enumerate(SENTENCES):
        pieces = en_pt.encode(sentence)
        vectors = by_hand.read(pieces)
        np.testing.assert_allclose(reading.vectors[row, : len(pieces)], vectors, atol=1e-3)
        expected = by_hand.write(vectors, written[row, :-1])
        np.testing.assert_allclose(scores[row][:, known], expected[:, known], atol=5e-3)
        assert (expected.argmax(axis=-1)[: len(pieces)] == written[row, 1 : len(pieces) + 1]).all()
    assert en_pt.model.count_params() == data.weights()["marian_en_pt"].parameters


def test_sentences_go_there_and_back(en_pt, pt_en):
    there = en_pt.translate(SENTENCES)
    assert there[:2] == [
        "As crianças estavam brincando alegremente no jardim.",
        "Abra o menu de arquivo e escolha Salvar como.",
    ]
    assert pt_en.translate(there)[:2] == SENTENCES[:2]
    assert pt_en.model.count_params() == data.weights()["marian_pt_en"].parameters


def bleu(translations, references):
    """Return BLEU of a whole corpus by the book: the mean log share of shared 1- to 4-grams, and the brevity."""
    counts, lengths = np.zeros((4, 2)), np.zeros(2)
    for pair in zip(translations, references, strict=True):
        words = [re.findall(r"\w+|[^\w\s]", text) for text in pair]
        lengths += list(map(len, words))
        for n in range(1, 5):
            grams = [collections.Counter(zip(*(some[k:] for k in range(n)), strict=False)) for some in words]
            counts[n - 1] += (grams[0] & grams[1]).total(), grams[0].total()
    share = np.log(np.maximum(counts[:, 0], 0.5) / counts[:, 1]).mean()
    return 100 * np.exp(share + min(0, 1 - lengths[1] / lengths[0]))


def test_texts_of_an_interface_are_translated_much_as_people_did(en_pt):
    texts, references = data.load("interface_en_pt").arrays("test")
    found = bleu(en_pt.translate(list(texts)), references)
    assert found >= 40 and found >= bleu(texts, references) + 35


def test_beams_change_little(en_pt):
    texts, references = (column[:60] for column in data.load("interface_en_pt").arrays("test"))
    greedy, beams = (en_pt.translate(list(texts), beams=beams) for beams in (1, 4))
    assert abs(bleu(greedy, references) - bleu(beams, references)) < 5 and greedy != beams


@pytest.mark.parametrize("name", ["marian_en_pt", "marian_pt_en"])
def test_texts_are_cut_as_by_the_library_of_the_vocabulary(name, en_pt, pt_en):
    sentencepiece = pytest.importorskip("sentencepiece")
    weights = data.weights()[name]
    ((parcel, members),) = zip(weights.parcels, weights.files.values(), strict=True)
    folder = members[0].rsplit("/", 1)[0]
    (vocabulary,) = read_members(fetch_parcel(parcel), (f"{folder}/vocab.*.spm",)).values()
    pieces = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    translator = {"marian_en_pt": en_pt, "marian_pt_en": pt_en}[name]
    texts = [text for column in data.load("interface_en_pt").arrays("test") for text in column]
    texts += list(data.load("interface_en_zh").arrays("test")[1])
    texts += ["", " ", "ﬁne  １２ ½ … “é” e\u0301\u00a0x\u200by\tz", "ＡＢＣ", "😀 привет"]
    for text in texts:
        assert translator.encode(text) == [*pieces.encode(text), 0], text
        if 1 not in pieces.encode(text):
            assert translator.decode(translator.encode(text)) == pieces.decode(pieces.encode(text))


def test_any_input_has_a_defined_answer(en_pt):
    assert en_pt.translate(["", " \n "]) == ["", ""]
    assert all(isinstance(text, str) for text in en_pt.translate(["你好，世界", "😀", "word " * 200]))
    with pytest.raises(ValueError, match="has 10,001 pieces, the network reads 256 at most"):
        en_pt.translate(["word " * 10_000])


def test_a_warm_load_and_a_first_use_print_nothing():
    code = "from bmkit import pretrained\nassert pretrained.load('marian_pt_en').translate(['Olá!'], beams=2)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
