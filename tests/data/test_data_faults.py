"""Whatever goes wrong while fetching: one clear error, nothing corrupt is served, a second try succeeds."""

import importlib
import os
import signal
from pathlib import Path

import pytest
from shop import WHEEL, check_nothing_left, check_served

from bmkit import data
from bmkit.data import manifest

pytestmark = pytest.mark.slow

pytest_plugins = ["shop"]  # the fixtures shop and server
fetching = importlib.import_module("bmkit.data.fetch")  # the name `bmkit.data.fetch` is the function


def test_the_size_is_said_and_progress_reported_then_the_cache_serves(server, shop, capfd):
    server.meet.set()
    seen = []
    data.fetch(["tiny"], progress=lambda done, total: seen.append((done, total)))
    assert "fetching bmkit-tiny 1.0 (0.7 MB), once; later uses need no network" in capfd.readouterr().err
    size = shop.wheel.stat().st_size
    assert seen[-1] == (size, size) and seen == sorted(seen) and len(seen) > 1
    server.shutdown()
    check_served(shop)
    assert capfd.readouterr() == ("", "")


def test_a_kill_in_mid_download_leaves_nothing_usable(server, shop, monkeypatch):
    process = shop.run("parcels.fetch_parcel(manifest.entry('tiny').parcel)")
    assert server.half.acquire(timeout=60)
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # pip with it: what a power cut does
    process.kill()
    process.wait()
    assert not shop.parcel().exists()
    assert data.verify(["tiny"]) == ["tiny: it is not prepared yet; run `python3 -m bmkit data fetch tiny`."]
    server.meet.set()
    process.stdout.close()
    assert list((shop.cache / "tmp").iterdir()), "the kill came too late"
    for path in [*(shop.cache / "tmp").rglob("*")]:
        os.utime(path, (0, 0))  # as if the kill was long ago
    check_served(shop)


def test_two_processes_at_once_both_end_well(server, shop):
    both = [shop.run("print(parcels.fetch_parcel(manifest.entry('tiny').parcel))") for _ in range(2)]
    assert all(server.half.acquire(timeout=60) for _ in both)  # each is half-way before either may go on
    server.meet.set()
    for process in both:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and output.splitlines()[-1] == str(shop.parcel()), output
    check_served(shop)


def test_a_set_prepared_meanwhile_by_another_process_is_kept(shop, monkeypatch):
    shop.stock()
    store = fetching.store

    def slow(*arguments):
        monkeypatch.setattr(fetching, "store", store)
        data.fetch(["tiny"])  # the other process finishes first
        return store(*arguments)

    monkeypatch.setattr(fetching, "store", slow)
    check_served(shop)


def test_a_wrong_hash_is_refused(shop):
    shop.pin(sha256="0" * 64)
    with pytest.raises(data.DataError, match=rf"not the expected one: its SHA-256 is .*, expected {'0' * 64}"):
        data.load("tiny")
    check_nothing_left(shop)
    shop.pin()
    check_served(shop)


def test_a_truncated_download_is_refused(shop):
    content = shop.wheel.read_bytes()
    shop.wheel.write_bytes(content[: len(content) // 2])
    with pytest.raises(data.DataError, match=r"bmkit-tiny 1\.0 is not the expected one: its SHA-256 is"):
        data.load("tiny")
    check_nothing_left(shop)
    shop.wheel.write_bytes(content)
    check_served(shop)


def test_a_hostile_archive_writes_nothing_outside(shop, tmp_path):
    shop.pack(**{"bmkit_tiny/../../../evil.txt": "evil"})
    shop.pin()
    with pytest.raises(data.DataError, match=r"holds 'bmkit_tiny/\.\./\.\./\.\./evil\.txt', which climbs out"):
        data.load("tiny")
    assert list(tmp_path.rglob("evil*")) == [] and not (shop.cache / "sets").exists()
    shop.pack()
    shop.pin()
    check_served(shop)


def test_no_network_says_what_to_do(shop, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop.folder / "nowhere"))
    with pytest.raises(data.DataError, match="without a network, connect to one once and run `python3 -m bmkit data"):
        data.load("tiny")
    check_nothing_left(shop)


def test_a_cache_that_cannot_be_written_says_what_to_do(shop, monkeypatch):
    blocked = shop.cache.parent / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("BMKIT_CACHE", str(blocked / "cache"))  # fails for an administrator too
    with pytest.raises(data.DataError, match="make the folder writable or set the environment variable BMKIT_CACHE"):
        data.load("tiny")
    monkeypatch.setenv("BMKIT_CACHE", str(shop.cache))
    check_served(shop)


def flip(path):
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_parcel_is_told_refetched_and_never_served(shop, monkeypatch, capfd):
    shop.stock()
    flip(shop.parcel())
    with monkeypatch.context() as offline:
        offline.setenv("PIP_FIND_LINKS", str(shop.folder / "nowhere"))
        with pytest.raises(data.DataError, match="without a network"):
            data.load("tiny")
    assert not (shop.cache / "sets").exists()
    data.load("tiny")
    assert f"{WHEEL} in the cache is damaged: its SHA-256 is" in capfd.readouterr().err
    flip(shop.parcel())
    (problem,) = data.verify(["tiny"])
    assert "its SHA-256 is" in problem and "data fetch tiny" in problem
    shop.parcel().unlink()
    check_served(shop)


@pytest.mark.parametrize(("pattern", "damage"), [("*train*", flip), ("*test*", Path.unlink), ("bmkit.json", flip)])
def test_a_damaged_prepared_set_is_noticed_and_made_again(shop, capfd, pattern, damage):
    shop.stock()
    data.fetch(["tiny"])
    (file,) = fetching.prepared_folder(manifest.entry("tiny")).glob(pattern)
    damage(file)
    (problem, *_) = data.verify(["tiny"])
    assert "data fetch tiny" in problem and str(file.parent) in problem
    capfd.readouterr()
    check_served(shop)
    assert "the prepared set tiny is damaged" in capfd.readouterr().err


def test_a_changed_manifest_entry_is_prepared_again(shop):
    shop.stock()
    before = fetching.prepared_folder(manifest.entry("tiny"))
    data.fetch(["tiny"])
    shop.change("train = 20, validation = 10", "train = 15, validation = 15")
    assert len(data.load("tiny").arrays("validation")[1]) == 15
    after = fetching.prepared_folder(manifest.entry("tiny"))
    assert after != before and before.exists(), "an edition of today may still be in use"
    os.utime(before / "bmkit.json", (0, 0))
    shop.change('"labelled_csv"', '"labelled_csv", version = 2')
    data.fetch(["tiny"])
    assert not before.exists() and after.exists()


def test_a_word_in_the_notes_prepares_nothing_again(shop, capfd):
    shop.stock()
    data.fetch(["tiny"])
    capfd.readouterr()
    shop.change("Forty pictures", "40 pictures")
    shop.change('notes = ""', 'notes = "a word"')
    check_served(shop)
    assert capfd.readouterr().err == "" and data.describe("tiny").notes == "a word"
