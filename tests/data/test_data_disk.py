"""Real disks that are full or read-only: one sentence, nothing wrong is served, and the same call mends it."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from shop import WEIGHTS, check_served

from bmkit import data
from bmkit.data.weights import weight_files

pytest_plugins = ["shop"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount, and the options are Linux's"
    ),
]


@pytest.fixture
def mount():
    """Mount something on a folder until the test ends."""
    with contextlib.ExitStack() as mounted:

        def mount(folder, *options):
            folder.mkdir(parents=True, exist_ok=True)
            if subprocess.run(["mount", *options, str(folder)], capture_output=True).returncode:
                pytest.skip("this root may not mount")
            mounted.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)

        yield mount


def read_only(mount, folder):
    mount(folder, "--bind", str(folder))
    mount(folder, "-o", "remount,ro,bind")


def test_a_disk_that_runs_full_while_a_set_is_prepared(shop, mount):
    mount(shop.cache, "-t", "tmpfs", "-o", "size=2m", "none")
    shop.stock()
    filler, met = shop.cache / "filler", 0
    for pages in (0, 1, 2, 4, 7):  # each lets the disk run full at another step
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        os.truncate(filler, filler.stat().st_size - 4096 * pages)
        with contextlib.suppress(data.DataError):
            data.load("tiny")
            continue
        with pytest.raises(data.DataError, match=r"^the disk is full while preparing the set tiny \(.*BMKIT_CACHE"):
            data.load("tiny")
        met += 1
        assert list((shop.cache / "sets").rglob("*.tfrecord*")) == [], "half a set was left"
    assert met >= 3, "the disk was not full"
    filler.unlink()
    check_served(shop)


def test_a_disk_that_runs_full_while_a_parcel_comes(shop, mount):
    mount(shop.cache, "-t", "tmpfs", "-o", "size=300k", "none")
    with pytest.raises(data.DataError, match=r"^the disk is full while fetching bmkit_tiny-1\.0.*BMKIT_CACHE"):
        data.fetch("tiny")
    assert [path for path in shop.cache.rglob("*") if path.is_file()] == []


def test_another_wheel_in_a_folder_that_cannot_be_written_is_never_served(shop, mount):
    shop.stock()
    content = bytearray(shop.parcel().read_bytes())
    content[-1] ^= 1
    shop.parcel().write_bytes(content)
    read_only(mount, shop.cache / "parcels")
    told = r"^the cache cannot be used while fetching bmkit_tiny-1\.0.* \(OSError: .*make the folder writable"
    with pytest.raises(data.DataError, match=told):
        data.load("tiny")
    assert shop.parcel().read_bytes() == content and not (shop.cache / "sets").exists()


def test_a_read_only_cache_serves_sets_and_weights_and_says_what_it_lacks(shop, mount, monkeypatch):
    shop.describe("weights/tiny_model", WEIGHTS)
    data.fetch()
    sizes = {path: path.stat().st_mtime_ns for path in shop.cache.rglob("*")}
    read_only(mount, shop.cache)
    assert len(data.load("tiny").arrays("test")[1]) == 10 and data.verify() == []
    with weight_files("tiny_model") as folder:
        noise = (folder / "noise").read_bytes()
        assert noise == np.random.default_rng(0).bytes(700_000) and folder.parent.parent != shop.cache / "tmp"
    assert not folder.exists() and {path: path.stat().st_mtime_ns for path in shop.cache.rglob("*")} == sizes
    shop.change("train = 20, validation = 10", "train = 15, validation = 15")
    told = r"cannot be used while preparing the set tiny \(OSError: .*Read-only .*\); make the folder writable .*"
    with pytest.raises(data.DataError, match=told + r"its keeper adds what is missing: .* data fetch`\.$"):
        data.load("tiny")


def test_a_full_folder_for_temporary_files_is_told_as_such(shop, mount, tmp_path, monkeypatch):
    shop.describe("weights/tiny_model", WEIGHTS)
    shop.stock()
    small = tmp_path / "small"
    mount(small, "-t", "tmpfs", "-o", "size=300k", "none")
    monkeypatch.setattr(tempfile, "tempdir", str(small))
    told = r"^the disk is full while unpacking the weights tiny_model \(.*\); free some space .* TMPDIR to another\.$"
    with pytest.raises(data.DataError, match=told), weight_files("tiny_model"):
        pass
    assert list(small.iterdir()) == []


def test_learners_share_a_read_only_cache(tmp_path):
    script = Path(__file__).parents[2] / "benchmarks" / "shared_cache.py"
    command = [sys.executable, str(script), "digits", "wine", "--learners", "3", "--model", "gpt_docstrings"]
    environment = os.environ | {"BMKIT_CACHE": str(tmp_path)}
    tmp_path.chmod(0o755)
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if "unshare failed" in run.stderr:
        pytest.skip("this root may not mount")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 of 3 learners loaded 2 sets and gpt_docstrings" in run.stdout
    assert len(set(re.findall(r'"login": (\d+)', run.stdout))) == 3
