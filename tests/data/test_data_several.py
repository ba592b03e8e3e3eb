"""Sets out of several parcels, and wheels for another kind of computer that hold nothing but data for us."""

import hashlib
import importlib
import zipfile

import pytest
from shop import PARCEL, TINY

from bmkit import data
from bmkit.data import manifest, transport
from bmkit.data.parcels import fetch_parcel
from bmkit.data.readers import labelled_csv

pytest_plugins = ["shop"]
fetching = importlib.import_module("bmkit.data.fetch")  # the name `bmkit.data.fetch` is the function
FOREIGN = [
    "cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp38-abi3-macosx_11_0_arm64",
    "cp38-abi3-win_amd64",
    "py3-none-win_arm64",
    "py2.py3-none-any",
]


@pytest.mark.parametrize("tags", FOREIGN)
def test_a_wheel_for_any_computer_is_fetched_by_the_real_pip(shop, monkeypatch, tags):
    monkeypatch.setattr(transport, "WINDOW", 300)  # on a busy computer pip may need more time to start
    file = f"bmkit_tiny-1.0-{tags}.whl"
    tag = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n"
    shop.pack(**{"bmkit_tiny-1.0.dist-info/WHEEL": tag})
    shop.wheel = shop.wheel.rename(shop.folder / file)
    shop.pin(file=file)
    path = fetch_parcel(manifest.entry("tiny").parcel)
    assert path.name == file and path.read_bytes() == shop.wheel.read_bytes()


def test_pip_is_told_the_tags_of_the_wheel(tmp_path):
    parcel = manifest.Parcel(name="a", version="1", file=f"a-1-{FOREIGN[0]}.whl", sha256="0" * 64, bytes=1, licence="")
    command = " ".join(transport._command(parcel, tmp_path))
    assert "--implementation cp --abi abi3 --platform manylinux_2_17_x86_64 " in command


@pytest.fixture
def two(shop):
    """A set whose rows lie in one parcel and whose other member in a second one."""
    with zipfile.ZipFile(shop.folder / "bmkit_more-2.0-py3-none-any.whl", "w") as archive:
        archive.writestr("bmkit_more/names.txt", "even, odd")
    content = (shop.folder / "bmkit_more-2.0-py3-none-any.whl").read_bytes()
    about = {
        "file": "bmkit_more-2.0-py3-none-any.whl",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    shop.describe("parcels/bmkit-more", PARCEL.replace("1.0", "2.0").format(**about))
    files = '{ files = { bmkit-tiny = ["bmkit_tiny/rows.csv.gz"], bmkit-more = ["bmkit_more/*.txt"] }, reader'
    shop.change('{ parcel = "bmkit-tiny", members = ["bmkit_tiny/rows.csv.gz"], reader', files)
    return shop


def test_a_set_out_of_two_parcels_fetches_both_and_reads_the_members_of_both(two, monkeypatch):
    entry, seen = manifest.entry("tiny"), {}

    def read(members, description):
        seen.update(members)
        return labelled_csv.read({name: members[name] for name in members if name.endswith(".gz")}, description)

    monkeypatch.setattr(fetching, "reader", lambda name: read)
    monkeypatch.setattr(fetching, "fetch_parcel", lambda parcel, progress: two.folder / parcel.file)
    monkeypatch.setattr(fetching, "store", lambda *_: pytest.skip("the rows are made"))
    assert [parcel.name for parcel in entry.parcels] == ["bmkit-tiny", "bmkit-more"] and entry.parcel == entry.parcels[
        0
    ]
    assert entry.description.source == "bmkit-tiny 1.0, bmkit-more 2.0"
    assert entry.description.download_bytes == sum(parcel.bytes for parcel in entry.parcels)
    with pytest.raises(pytest.skip.Exception):
        data.fetch(["tiny"])
    assert sorted(seen) == ["bmkit_more/names.txt", "bmkit_tiny/rows.csv.gz"]
    assert seen["bmkit_more/names.txt"] == b"even, odd"


def test_the_digest_of_such_a_set_knows_each_parcel(two):
    before = manifest.entry("tiny").digest
    text = (two.data / "parcels" / "bmkit-more.toml").read_text()
    sha256 = manifest.entry("tiny").parcels[1].sha256
    two.describe("parcels/bmkit-more", text.replace(sha256, sha256[::-1]))
    assert manifest.entry("tiny").digest != before


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ('files = { bmkit-most = ["a"] }', "comes from 'bmkit-most'; allowed: bmkit-tiny"),
        ('files = { bmkit-tiny = ["../a"] }', r"files is .*expected lists of names inside the parcels"),
        ("files = { bmkit-tiny = [] }", r"files is .*expected lists of names inside the parcels"),
        ('files = { bmkit-tiny = ["a"] }, parcel = "bmkit-tiny"', "has files and also parcel or members"),
        ('source = "scikit-learn", packages = ["a==1"]', r"packages is \['a==1'\], expected"),
    ],
)
def test_a_wrong_recipe_is_named(shop, recipe, message):
    shop.describe("sets/tiny", TINY.split("recipe =")[0] + f'recipe = {{ {recipe}, reader = "labelled_csv" }}')
    with pytest.raises(data.DataError, match=message):
        manifest.entry("tiny")
