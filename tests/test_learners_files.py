"""The files of a learner survive every public function that takes a path, whatever folder he names.

The functions are found, not listed: one that is new and takes a path fails here until it is tried too.
"""

import contextlib
import importlib
import inspect
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import bmkit
from bmkit import data, errors, files, ship, surroundings
from bmkit.course import book, doctor, environment, lab, notebook, packages, shake, skeleton, wheel
from bmkit.data import cache, manifest, parcels, record, transport
from bmkit.pretrained import (
    ct2_file,
    detector,
    dlib_file,
    e5_file,
    faces,
    gguf_file,
    graph_file,
    language,
    litert_file,
    marian_file,
    multilingual,
    own,
    packed_file,
    speech,
    text,
    translators,
    voice,
)
from bmkit.train import checkpoint

# What a learner, another program or an earlier kit may have there; the names are those that the kit itself uses.
OWN = (
    *("thesis.docx", "history.csv", "best.weights.h5", "bmkit.json", "00_start_here.ipynb", "sets/digits.toml"),
    *("backup/latest.weights.h5", "backup/training_metadata.json", "epoch-000001/state.json", "beside/notes.txt"),
    *("tmp/thesis/one.tex", "tmp/bmkit-old/two.tex", "parcels/three.whl", "sets/digits/mine/four", "online/five"),
    *(
        ".venv/mine/six.py",
        "data/weights/seven",
        "notebooks/source/eight.py",
        "my_notebooks/nine.ipynb",
        "my_presentation/ten.ipynb",
    ),
)
ENTRY = manifest.entry("digits")
PARCEL = manifest.Parcel(name="p", version="1", file="thesis.docx", sha256="0" * 64, bytes=3, licence="MIT")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in OWN if (folder / name).exists()}


@pytest.fixture(params=["elsewhere", "working folder and home"])
def folder(request, tmp_path, monkeypatch):
    """A folder full of a learner's files, which in one case is also the working folder and the home folder."""
    place = tmp_path / "mine"
    for number, name in enumerate(OWN):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"work of {number} years")
    if request.param != "elsewhere":
        monkeypatch.setenv("HOME", str(place))
        monkeypatch.setenv("USERPROFILE", str(place))
        monkeypatch.chdir(place)
    return place


def fitted(resume) -> None:
    from bmkit import train
    from bmkit.backend import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    train.fit(model, (np.ones((4, 1)), np.ones((4, 1))), epochs=1, resume=resume)


def opened(folder) -> None:
    with checkpoint.opened(folder) as states:
        states.save(1, {}, [np.zeros(2)])
        states.finished = True


def stored_model(folder) -> None:
    from bmkit.backend import keras

    own.write_model(folder / "new.safetensors", keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))


def published(folder) -> None:
    (folder / "fresh").write_text("new")
    cache.publish(folder / "fresh", folder / "sets" / "fresh", lambda path: "")


def locked(folder) -> None:
    with environment.locked(folder / ".venv.lock"):
        pass


def downloaded(folder) -> None:
    """Ask for a package that no index has; what pip answers does not matter."""
    transport.download(PARCEL, folder, lambda done, total: None)


def run_of_a_page(folder) -> None:
    book.run(book.find("00"), folder, lambda line: None)


# Function → how it is called with the folder. `Error`, `OSError` and `ValueError` are fine answers; lost files are not.
TRIED = {
    "course.book.nbval_arguments": lambda f: book.nbval_arguments([f / "00_start_here.ipynb"]),
    "course.book.prepare_out": book.prepare_out,
    "course.book.run": run_of_a_page,
    "course.doctor.packages": lambda f: doctor.packages(f / "thesis.docx"),
    "course.environment.Environment": lambda f: environment.Environment(f).fault(),
    "course.environment.locked": locked,
    "course.lab.command": lab.command,
    "course.lab.folder_of_the_learner": lab.folder_of_the_learner,
    "course.lab.hand_out": lambda f: lab.hand_out(book.NOTEBOOKS, f, lambda line: None),
    "course.lab.open_lab": lambda f: lab.folder_of_the_learner(
        f
    ),  # what it does with the path before JupyterLab starts
    "course.notebook.is_laid_out": lambda f: notebook.is_laid_out(f / "00_start_here.ipynb"),
    "course.notebook.read": lambda f: notebook.read(f / "00_start_here.ipynb"),
    "course.packages.halves": lambda f: packages.halves([f]),
    "course.packages.lacking": lambda f: packages.lacking(f / "thesis.docx", [f]),
    "course.packages.locked_lines": lambda f: packages.locked_lines(f / "thesis.docx", "numpy"),
    "course.packages.missing": lambda f: packages.missing(f / "thesis.docx"),
    "course.packages.pins": lambda f: packages.pins(f / "thesis.docx"),
    "course.packages.unlocked": lambda f: packages.unlocked(f / "thesis.docx", f / "thesis.docx"),
    "course.shake.report": lambda f: shake.report([], {}, out=f / "table.md"),
    "course.skeleton.chapter": lambda f: skeleton.chapter("98_mine", f),
    "course.skeleton.dataset": lambda f: skeleton.dataset("mine", root=f),
    "course.skeleton.exercise": lambda f: skeleton.exercise("ch00.mine", root=f),
    "course.skeleton.refuse_unfilled": lambda f: skeleton.refuse_unfilled(["digits"], f),
    "course.wheel.looked_at": lambda f: wheel.looked_at(f / "parcels" / "three.whl", "three", "3"),
    "data.cache.lies_at": lambda f: cache.lies_at(f / "thesis.docx"),
    "data.cache.publish": published,
    "data.cache.set_aside": lambda f: cache.set_aside(f / "missing"),
    "data.cache.sha256_of": lambda f: cache.sha256_of(f / "thesis.docx"),
    "data.manifest.read": manifest.read.__wrapped__ if hasattr(manifest.read, "__wrapped__") else manifest.read,
    "data.parcels.problem_of": lambda f: parcels.problem_of(f / "thesis.docx", PARCEL),
    "data.parcels.read_members": lambda f: parcels.read_members(f / "thesis.docx", ("a",)),
    "data.record.is_own": lambda f: record.is_own(f, "digits"),
    "data.record.old_editions": lambda f: record.old_editions(f / "sets" / "digits" / "new", "digits"),
    "data.record.problem_of_set": lambda f: record.problem_of_set(f, ENTRY),
    "data.record.write_record": lambda f: record.write_record(f / "sets", ENTRY),
    "data.store.open_stored": lambda f: importlib.import_module("bmkit.data.store").open_stored(f),
    "data.store.store": lambda f: importlib.import_module("bmkit.data.store").store(ENTRY, {}, f),
    "data.transport.download": downloaded,
    "files.mark": lambda f: files.mark(f, "a test"),
    "files.remove": files.remove,
    "files.write": lambda f: files.write(f / "new.txt", "new"),
    "pretrained.ct2_file.read_ct2": lambda f: ct2_file.read_ct2(f / "thesis.docx"),
    "pretrained.detector.object_detector": lambda f: detector.object_detector(f / "thesis.docx"),
    "pretrained.dlib_file.read_dlib": lambda f: dlib_file.read_dlib(f / "thesis.docx"),
    "pretrained.e5_file.read_e5": lambda f: e5_file.read_e5(f / "thesis.docx"),
    "pretrained.faces.face_detector": faces.face_detector,
    "pretrained.faces.faces_of": faces.faces_of,
    "pretrained.gguf_file.read_gguf": lambda f: gguf_file.read_gguf(f / "thesis.docx"),
    "pretrained.graph_file.read_graph": lambda f: graph_file.read_graph(f / "thesis.docx"),
    "pretrained.language.language_model": lambda f: language.language_model(f / "thesis.docx"),
    "pretrained.litert_file.read_litert": lambda f: litert_file.read_litert(f / "thesis.docx"),
    "pretrained.marian_file.read_marian": lambda f: marian_file.read_marian(f / "thesis.docx"),
    "pretrained.multilingual.e5_encoder": lambda f: multilingual.e5_encoder(f / "thesis.docx"),
    "pretrained.own.read_model": lambda f: own.read_model(f / "thesis.docx"),
    "pretrained.own.write_model": stored_model,
    "pretrained.packed_file.open_packed": lambda f: packed_file.open_packed(f / "thesis.docx", len, kind="a file"),
    "pretrained.speech.speech_recogniser": speech.speech_recogniser,
    "pretrained.text.sentence_encoder": text.sentence_encoder,
    "ship.pack": lambda f: ship.pack(f / "thesis.docx", {"count": 1}),
    "ship.try_out": lambda f: ship.try_out(len, f / "thesis.docx", []),
    "ship.unpack": lambda f: ship.unpack(f / "thesis.docx"),
    "pretrained.translators.translator": translators.translator,
    "pretrained.voice.voice": voice.voice,
    "surroundings.importable": surroundings.importable,
    "surroundings.namesakes": surroundings.namesakes,
    "train.checkpoint.Checkpoints": checkpoint.Checkpoints,
    "train.checkpoint.opened": opened,
    "train.fit": fitted,
}
# These train for minutes and then hand their path to `pretrained.own.write_model`, which is tried.
TOO_LONG = {"recipes.bert_reviews", "recipes.gpt_docstrings", "recipes.minilm_reviews"}


def takes_a_path(function) -> bool:
    if inspect.isclass(function) and issubclass(function, BaseException):
        return False
    parameters = inspect.signature(function).parameters.values()
    return any("Path" in str(parameter.annotation) and parameter.name != "problem_at" for parameter in parameters)


def found() -> set[str]:
    """Find the public functions and classes that take a path."""
    names = set()
    for module in pkgutil.walk_packages(bmkit.__path__, "bmkit."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        for name in loaded.__all__:
            value = getattr(loaded, name)
            own_function = (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module.name
            if own_function and not hasattr(value, "__dataclass_fields__") and takes_a_path(inspect.unwrap(value)):
                names.add(f"{module.name.removeprefix('bmkit.')}.{name}")
    return names


def test_every_public_function_that_takes_a_path_is_tried():
    assert found() - TOO_LONG == set(TRIED)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIED)
def test_a_learners_files_survive(name, folder, monkeypatch):
    monkeypatch.setattr(book, "execute", lambda chapter, notebook, tell: notebook)  # an empty page is page enough
    before = snapshot(folder)
    with contextlib.suppress(errors.Error, OSError, ValueError, LookupError, TypeError):
        TRIED[name](folder)
    assert snapshot(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("resume", ["", ".", "~", "backup", "epoch-000001", "sets/.."])
def test_a_learners_files_survive_whatever_folder_a_training_is_resumed_in(resume, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = snapshot(folder)
    with contextlib.suppress(errors.Error, OSError, ValueError):
        fitted(resume)
    assert snapshot(folder) == before


@pytest.mark.slow
def test_a_learners_files_survive_in_a_folder_that_is_made_the_cache(folder, monkeypatch):
    monkeypatch.setenv("BMKIT_CACHE", str(folder))
    before = snapshot(folder)
    with cache.work_folder() as work:
        (work / "a").write_text("a")
    assert len(data.load("digits").arrays("test")[0]) == 360
    data.verify()
    assert snapshot(folder) == before
