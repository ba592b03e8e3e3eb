"""Measure how long pretrained models take to load, how much memory they need, and how fast they are.

The `needs` in data/weights stand on this table. It only reports; run it on a quiet machine::

    python3 benchmarks/pretrained.py
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from bmkit import data


def peak() -> float:
    """Return the most memory that this process has held, in MB (0 where the system does not tell)."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 1e6 if sys.platform == "darwin" else size / 1e3


def timed(function, *arguments) -> tuple:
    """Call a function and return the seconds it took with what it returned."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def minilm(encoder) -> tuple[float, str]:
    """Encode 64 texts of about 60 tokens each."""
    texts = ["the food is good and the price is fair, but the parcel came late. " * 4] * 64
    return len(texts) / timed(encoder.encode, texts)[0], "texts of 62 tokens/s"


def efficientnet_lite0(classifier) -> tuple[float, str]:
    """Compute features of 64 pictures."""
    x = np.zeros((64, 224, 224, 3), "float32")
    return len(x) / timed(lambda: classifier.features.predict(x, verbose=0))[0], "pictures/s"


def ssd_mobilenet_v2(detector) -> tuple[float, str]:
    """Find what there is in 32 pictures."""
    pictures = np.random.default_rng(0).integers(0, 256, (32, 480, 640, 3), "uint8")
    return len(pictures) / timed(detector.detect_all, pictures)[0], "pictures/s"


def blazeface(detector) -> tuple[float, str]:
    """Look for faces in 50 pictures of 512×512 pixels."""
    pictures = np.random.default_rng(0).integers(0, 256, (50, 512, 512, 3), dtype="uint8")
    return len(pictures) / timed(lambda: [detector.find(picture) for picture in pictures])[0], "pictures/s"


def faces(both) -> tuple[float, str]:
    """Describe 64 faces."""
    aligned = np.zeros((64, 150, 150, 3), "uint8")
    return len(aligned) / timed(both.embed, aligned)[0], "faces described/s"


def smollm2(language) -> tuple[float, str]:
    """Continue a text by 64 tokens."""
    tokens = language.tokenizer.encode("Once upon a time")
    cache, times = language.start_cache(1, 128), []
    logits, cache = language.step([tokens], cache, 0)
    for position in range(len(tokens), len(tokens) + 64):
        seconds, (logits, cache) = timed(language.step, [[logits[0, -1].argmax()]], cache, position)
        times.append(seconds)
    return 1 / float(np.median(times)), "tokens/s"


def multilingual_e5(encoder) -> tuple[float, str]:
    """Encode 64 Chinese texts of 80 letters each."""
    texts = ["房间很干净，服务也好，就是早餐有点少。" * 4 + "下次还来"] * 64
    return len(texts) / timed(encoder.encode, texts)[0], "texts of 80 Chinese letters/s"


def marian_en_pt(translator) -> tuple[float, str]:
    """Translate 64 sentences of nine words, greedily."""
    sentences = ["The children were playing happily in the old garden."] * 64
    return len(sentences) / timed(translator.translate, sentences)[0], "sentences of 9 words/s"


def hibari(voice) -> tuple[float, str]:
    """Say a sentence of about four seconds."""
    seconds, (samples, rate) = timed(voice.say, "The next train to the harbor leaves from platform two in six minutes.")
    return len(samples) / rate / seconds, "s of speech/s"


def whisper_tiny_en(recogniser) -> tuple[float, str]:
    """Write down 13 s of speech, up to a pause."""
    sound = data.recording("two_cities")
    heard = sound.samples[: 13 * sound.sample_rate]
    return 13 / timed(recogniser.transcribe, heard, sound.sample_rate)[0], "s of speech/s"


def gpt_docstrings(own) -> tuple[float, str]:
    """Write 200 tokens."""
    from bmkit import models

    decoder, times = models.CachedDecoder(own.model), []
    cache, token = decoder.start_cache(1, 200), own.tokenizer.end
    for position in range(200):
        seconds, (logits, cache) = timed(decoder.step, np.array([[token]]), cache, position)
        token = logits[0, -1].argmax()
        times.append(seconds)
    return 1 / float(np.median(times)), "tokens/s"


def bert_reviews(own) -> tuple[float, str]:
    """Guess at every place of 64 rows of 64 words."""
    rows = np.full((64, 64), 2, "int32")
    return len(rows) / timed(lambda: own.model.predict(rows, verbose=0))[0], "rows of 64 words/s"


# minilm_reviews, one dense layer, takes no time worth a row; marian_pt_en is of the size of marian_en_pt.
USES = {
    use.__name__: use
    for use in (
        *(minilm, multilingual_e5, smollm2, efficientnet_lite0, ssd_mobilenet_v2, blazeface, faces),
        *(marian_en_pt, whisper_tiny_en, hibari),
        *(gpt_docstrings, bert_reviews),
    )
}


def measure(name: str) -> dict:
    """Load one model in this process and use it twice: the first use traces or compiles."""
    from bmkit import pretrained
    from bmkit.backend import keras

    seconds_keras, _ = timed(lambda: __import__("keras_hub") and keras)
    before = peak()
    load, model = timed(pretrained.load, name)
    loaded = peak()
    first, _ = timed(USES[name], model)
    speed, unit = USES[name](model)
    row = {"load": load, "before": before, "loaded": loaded, "peak": peak(), "first": first, "speed": speed}
    return row | {"unit": unit, "import": seconds_keras}


def main() -> None:
    """Measure each model in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", choices=USES, help="measure one model and print JSON")
    parser.add_argument(
        "--repeats", type=int, default=3, help="processes for each model; the quickest of each is shown"
    )
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    columns = ("model", "download", "load", "memory before", "loaded", "peak in use", "first use", "then")
    table = Table(*columns, title="pretrained models, each in its own process")
    for name in USES:
        data.fetch([name])
        command = [sys.executable, __file__, "--one", name]
        runs = [json.loads(subprocess.check_output(command)) for _ in range(options.repeats)]
        best = {key: min(run[key] for run in runs) for key in ("load", "before", "loaded", "peak", "first")}
        memory = [f"{best[key]:,.0f} MB" for key in ("before", "loaded", "peak")]
        speed = f"{max(run['speed'] for run in runs):.0f} {runs[0]['unit']}"
        size = f"{data.weights()[name].download_bytes / 1e6:.0f} MB"
        table.add_row(name, size, f"{best['load']:.1f} s", *memory, f"{best['first']:.1f} s", speed)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
