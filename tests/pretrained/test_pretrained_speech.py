"""The real Whisper: it hears what is said, computes what is written out in NumPy, and prints nothing of its own.

Like all tests on real data these need the user's cache: `python3 -m bmkit test` fetches what is missing beforehand.
"""

import re
import subprocess
import sys

import numpy as np
import pytest
from planted_whisper import ByHand
from scipy import signal

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.generate import beam_search, generate
from bmkit.pretrained.ct2_file import read_ct2

pytestmark = pytest.mark.slow
OPENING = 4.74  # seconds, up to a pause: "It was the best of times, it was the worst of times"


@pytest.fixture(scope="module")
def whisper():
    return pretrained.load("whisper_tiny_en")


@pytest.fixture(scope="module")
def dickens():
    return data.recording("two_cities")


@pytest.fixture(scope="module")
def beginning(dickens):
    """Return the first twelve words."""
    return dickens.samples[: int(OPENING * dickens.sample_rate)]


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def test_a_chapter_read_aloud_is_written_down_without_an_error(whisper, dickens):
    assert words(whisper.transcribe(dickens.samples, dickens.sample_rate)) == words(dickens.text)


def test_the_real_weights_compute_what_is_written_out_in_numpy(whisper, beginning, dickens):
    features = whisper.features(beginning, dickens.sample_rate)
    heard = whisper.listen(beginning, dickens.sample_rate)
    tokens = generate(heard, heard.prompt, 4)
    logits, _ = heard.step(tokens[np.newaxis], heard.start_cache(1, len(tokens)), 0)
    with weight_files("whisper_tiny_en") as folder:
        by_hand = ByHand({name: one.rows for name, one in read_ct2(folder / "model.bin").tensors.items()})
        encoded = by_hand.encode(features)
        expected = by_hand.logits(tokens, encoded)
    found = keras.Model(whisper.model.input["encoder_features"], whisper.model.output["encoder_sequence_output"])(
        features[np.newaxis]
    )
    assert np.abs(encoded).max() > 5  # against numbers of this size the differences below are small
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found)[0], encoded, atol=5e-3)
    allowed = np.isfinite(logits[0])
    np.testing.assert_allclose(logits[0][allowed], expected[allowed], atol=5e-3)


def test_the_protocol_with_its_caches_writes_what_the_whole_network_says_each_time(whisper, beginning, dickens):
    heard = whisper.listen(beginning, dickens.sample_rate)
    tokens = generate(heard, heard.prompt, 8, stop=heard.stop)
    features, expected = whisper.features(beginning, dickens.sample_rate)[np.newaxis], list(heard.prompt)
    while len(expected) < len(tokens):
        inputs = {"encoder_features": features, "decoder_token_ids": np.array([expected], "int32")}
        inputs["decoder_padding_mask"] = np.ones_like(inputs["decoder_token_ids"])
        last = whisper.model(inputs)["decoder_sequence_output"][:, -1]
        scores = keras.ops.convert_to_numpy(whisper.model.token_embedding(last, reverse=True))[0].copy()
        scores[whisper.never] = -np.inf
        if len(expected) == len(heard.prompt):
            scores[whisper.never_first] = -np.inf
        expected.append(int(scores.argmax()))
    assert tokens.tolist() == expected


def test_several_beginnings_and_a_stereo_sound_of_another_rate_say_the_same(whisper, beginning, dickens):
    alone = words(whisper.transcribe(beginning, dickens.sample_rate))
    assert alone == words(dickens.text)[: len(alone)] and len(alone) == 12
    other = signal.resample_poly(beginning, 147, 160)  # 44,100 a second
    both = np.round(np.stack([other, other], axis=1) * 32_767).astype("int16")
    assert words(whisper.transcribe(both, 44_100)) == alone
    heard = whisper.listen(beginning, dickens.sample_rate)
    best, _ = beam_search(heard, heard.prompt, 30, beams=2, stop=heard.stop)
    assert words(whisper.text(best)) == alone


def test_silence_is_less_like_speech_than_speech(whisper, beginning, dickens):
    silence = whisper.listen(np.zeros(32_000), 16_000).no_speech
    assert whisper.listen(beginning, dickens.sample_rate).no_speech < 0.2 < silence


def test_it_has_as_many_weights_as_its_entry_says(whisper):
    assert whisper.model.count_params() == data.weights()["whisper_tiny_en"].parameters
    assert whisper.tokenizer.token_to_id("<|endoftext|>") == 50_256
    assert whisper.text(whisper.tokenizer.encode(" Two cities, 1859: café").ids) == "Two cities, 1859: café"


def test_a_warm_load_and_a_first_use_print_nothing():
    code = "from bmkit import pretrained\nimport numpy\nw = pretrained.load('whisper_tiny_en')\n"
    code += "h = w.listen(numpy.zeros(16000), 16000)\nh.no_speech\nw.transcribe(numpy.zeros(16000), 16000)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
