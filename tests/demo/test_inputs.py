"""What a visitor gives is read, or refused in one sentence that says what to do."""

import contextlib
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from bmkit.demo import inputs
from bmkit.demo.inputs import Refusal, picture_of, sound_of, text_of


def refused(call, *words, **options):
    with pytest.raises(Refusal) as caught:
        call(*words, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence[0].isupper() and sentence[-1] in ".?" and len(sentence) < 160
    return sentence


@pytest.mark.parametrize("text", ["", "  \n\t", "\u3000"])
def test_no_text(text):
    assert refused(text_of, text) == "There is no text yet; type something first."


def test_ten_thousand_words_are_counted_in_the_refusal():
    assert text_of("word " * 200) == ("word " * 200).strip()
    assert refused(text_of, "word " * 10_000) == "The text has 10,000 words; give at most 200."
    assert "201 words" in refused(text_of, "a " * 201)
    assert "1,000,000 characters" in refused(text_of, "a" * 1_000_000)


def test_a_chinese_sign_is_a_word():
    assert inputs.words_of("我有 2 只cats。") == 5
    assert "201 words" in refused(text_of, "猫" * 201)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Кошка спит.", "Cyrillic"),
        ("一只猫在睡觉。", "Chinese"),
        ("γάτα", "Greek"),
        ("قطة", "Arabic"),
        ("고양이", "Hangul"),
    ],
)
def test_another_script_is_named(text, named):
    assert f"in the script {named}; write in Latin." in refused(text_of, text, scripts=["LATIN"])
    assert text_of(text) == text, "without a wish any script is read"


def test_a_foreign_name_in_a_sentence_is_no_other_script():
    assert text_of("The word 猫 means cat.", scripts=["LATIN"])
    assert text_of("猫 is a cat.", scripts=["LATIN", "CJK"]) and text_of("一只猫", scripts=["LATIN", "CJK"])
    assert "has no letters; write in Latin or Chinese." in refused(text_of, "1 + 1 = ?", scripts=["LATIN", "CJK"])


def test_half_a_sign_is_replaced():
    assert text_of("a\ud83d b").encode()


def stored(image, kind="png", **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


RAMP = Image.fromarray(np.arange(60 * 80 * 3, dtype="uint32").astype("uint8").reshape(60, 80, 3))


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "webp", "gif", "jpeg"])
def test_pictures_of_each_format_are_read(kind):
    options = {"webp": {"lossless": True}}.get(kind, {})
    pixels = picture_of(stored(RAMP, kind, **options))
    assert pixels.shape == (60, 80, 3) and pixels.dtype == np.uint8
    if kind not in ("gif", "jpeg"):
        assert np.array_equal(pixels, np.asarray(RAMP))


def test_grey_transparent_turned_and_large_pictures():
    assert picture_of(stored(RAMP.convert("L"))).shape == (60, 80, 3)
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert np.all(picture_of(stored(clear)) == 255), "what is transparent lies on white"
    note = Image.Exif()
    note[0x0112] = 6  # the camera was held upright: turn by a quarter
    assert picture_of(stored(RAMP, "jpeg", exif=note)).shape == (80, 60, 3)
    assert picture_of(stored(Image.new("RGB", (3000, 1500)), "jpeg"), most_side=300).shape == (150, 300, 3)


@pytest.mark.parametrize(
    "file", [b"", b"\x00" * 999, b"RIFF\x24\x00\x00\x00WAVEfmt ", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"]
)
def test_what_is_no_picture(file):
    assert "is no picture that can be read; choose a JPEG" in refused(picture_of, file)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp"])
def test_a_cut_picture_is_refused(kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8"))
    file = stored(noise, kind)
    assert refused(picture_of, file[: len(file) // 2])


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_give_a_picture_or_a_refusal(seed):
    random = np.random.default_rng(seed)
    for kind in ("png", "jpeg", "gif", "bmp", "tiff", "webp"):
        file = np.frombuffer(stored(RAMP, kind), "uint8").copy()
        file[random.integers(0, len(file), 5)] ^= random.integers(1, 256, 5, dtype="uint8")
        with contextlib.suppress(Refusal):
            assert picture_of(file.tobytes()).shape[2] == 3


def bomb(width, height):
    """Claim a size in a PNG's head; a few bytes follow."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\x00" * 100_000)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("width", "height"), [(10_000, 10_000), (60_000, 60_000), (8_000, 6_251), (2**31 - 1, 2**31 - 1)]
)
def test_a_picture_bomb_is_refused_before_memory_is_taken(width, height):
    tracemalloc.start()
    sentence = refused(picture_of, bomb(width, height))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "50 million" in sentence and peak < 5_000_000


def test_too_large_and_too_small_pictures():
    assert "8.0 MB; choose one of at most 8 MB" in refused(picture_of, b"\x00" * 8_000_001)
    assert "4 × 40 pixels" in refused(picture_of, stored(Image.new("RGB", (4, 40))))


def samples(values):
    return np.asarray(values, "<i2").tobytes()


def test_samples_become_numbers_below_one():
    read = sound_of(samples([-32768, 0, 16384, 32767] * 400), rate=8000, most_seconds=1)
    assert read.dtype == np.float32 and read[:4].tolist() == [-1.0, 0.0, 0.5, 32767 / 32768]


def test_sounds_that_are_refused():
    limits = {"rate": 16_000, "most_seconds": 10}
    assert "lasts 0.00 s; give at least 0.1 s" in refused(sound_of, b"", **limits)
    assert "lasts 0.05 s" in refused(sound_of, samples([1] * 800), **limits)
    assert "lasts 12 s; give at most 10 s" in refused(sound_of, samples([1] * 192_000), **limits)
    assert "silent" in refused(sound_of, samples([0] * 16_000), **limits)
    assert "whole" in refused(sound_of, samples([1] * 16_000) + b"\x00", **limits)
    assert len(sound_of(samples([1] * 160_000), **limits)) == 160_000
