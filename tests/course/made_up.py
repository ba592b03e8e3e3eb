"""A clone of the kit with small made-up chapters that have a demo: of a text, of a picture, of a sound, and of none."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TITLES = {"20": "Words", "21": "Nothing", "22": "Trouble", "25": "Pictures", "26": "Sounds"}
HEAD = """\
# %% [markdown]
# # {number} · {title}
#
# **After this you can** see a demo
#
# **Time** 1 min to read, 1 min to teach, 1 s to run
#
# **Before** nothing
#
# **Data** none

"""
CODE = {
    "20": '''
# %%
from bmkit import demo, plot
import numpy as np
print("not on the page")

# %%
import time
weights = {"good": 1.0, "bad": -1.0}


def judged(text, unknown):
    """Weigh the words of a text; then draw them."""
    words = text.split()
    if "crash" in words:
        raise ValueError("<b>no weight</b> for crash")
    values = [weights.get(word, float(unknown)) for word in words]
    yield f"reading {len(words)} words"
    time.sleep(0.3)
    print("sum", sum(values))
    figure, axes = plot.subplots()
    axes.bar(range(len(words)), values)
    axes.set(xlabel="word", ylabel="weight")
    yield figure


# %%
demo.text(judged, ["a good cat", "a bad dog"], scripts=["LATIN"], unknown=[0, 1])

# %%
raise RuntimeError("no cell behind the demo is run")
''',
    "21": "\n# %%\nx = 1\n",
    "22": '\n# %%\nfrom bmkit import demo\n1 / 0\n\n# %%\ndemo.text(str.upper, ["a"])\n',
    "25": """
# %%
from bmkit import demo
import numpy as np
grey = np.full((60, 80, 3), 128, "uint8")


def mirrored(pixels):
    return [f"{pixels.shape[1]} by {pixels.shape[0]}, red {pixels[..., 0].mean():.0f}", pixels[:, ::-1]]


# %%
demo.picture(mirrored, {"grey": grey})
""",
    "26": """
# %%
from bmkit import demo
from bmkit.check import expect
from IPython.display import Audio
import numpy as np
tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 16000).astype("float32") / 2


def heard(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    pitch = np.argmax(spectrum) * 16000 / len(samples)
    seconds = len(samples) / 16000
    return [f"{seconds:.2f} s, {pitch:.0f} Hz, peak {np.abs(samples).max():.2f}", Audio(samples, rate=16000)]


# %%
expect("the tone is loud", np.abs(tone).max(), at_least=0.9)

# %%
demo.sound(heard, {"a tone": tone}, most_seconds=5)
""",
}


def clone(folder: Path) -> Path:
    """Copy the package and write the chapters.

    Args:
        folder: where; made.

    Returns:
        The same.
    """
    shutil.copytree(ROOT / "bmkit", folder / "bmkit", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks" / "source").mkdir(parents=True)
    entries = [
        f'{{ number = "{number}", slug = "{title.lower()}", title = "{title}", before = [] }}'
        for number, title in TITLES.items()
    ]
    plan = f'[[parts]]\ntitle = "Part"\nchapters = [{", ".join(entries)}]\n'
    (folder / "notebooks" / "chapters.toml").write_text(plan, "utf-8")
    for number, title in TITLES.items():
        source = folder / "notebooks" / "source" / f"{number}_{title.lower()}.py"
        source.write_text(HEAD.format(number=number, title=title) + CODE[number], "utf-8")
    return folder
