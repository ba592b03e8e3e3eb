"""A tiny hand-made wheel that the real pip fetches: from a folder, or from a server here that stops half-way.

Fixtures and checks for the fault tests; no network is needed.
"""

import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile

import numpy as np
import pytest

from bmkit import data
from bmkit.data import manifest

WHEEL = "bmkit_tiny-1.0-py3-none-any.whl"
WEIGHTS = """
title = "Noise"
parameters = 7
needs = "nothing"
licence = "CC0"
citation = "none"
reference = "https://example.org"
files = { bmkit-tiny = ["bmkit_tiny/noise"] }
"""
ROWS = "".join(f"{row},{row * 2},{row * 3},7,{row % 2}\n" for row in range(40))
PARCEL = """
version = "1.0"
file = "{file}"
sha256 = "{sha256}"
bytes = {bytes}
licence = "CC0"
"""
TINY = """
title = "Forty pictures of four pixels"
x = { shape = [2, 2, 1], dtype = "float32", unit = "none", range = [0, 120] }
y = { shape = [], dtype = "int64", unit = "odd or even", range = [0, 1] }
classes = ["even", "odd"]
rows = { train = 20, validation = 10, test = 10 }
split = "stratified"
notes = ""
licence = "CC0"
citation = "none"
reference = "https://example.org"
recipe = { parcel = "bmkit-tiny", members = ["bmkit_tiny/rows.csv.gz"], reader = "labelled_csv" }
"""


class Shop:
    """A folder that pip fetches from, a manifest that knows what should come, and an empty cache."""

    def __init__(self, folder):
        self.folder, self.data, self.cache = folder / "wheels", folder / "data", folder / "cache"
        self.folder.mkdir()
        self.wheel = self.folder / WHEEL
        self.pack()
        self.pin()
        self.describe("sets/tiny", TINY)

    def pack(self, **extra):
        """Write the wheel, with other members if wanted."""
        about = "bmkit_tiny-1.0.dist-info"
        members = {
            "bmkit_tiny/rows.csv.gz": gzip.compress(ROWS.encode(), mtime=0),
            "bmkit_tiny/noise": np.random.default_rng(0).bytes(700_000),  # below 512 KiB pip reports no progress
            f"{about}/METADATA": "Metadata-Version: 2.1\nName: bmkit-tiny\nVersion: 1.0\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{about}/RECORD": "",
        }
        with zipfile.ZipFile(self.wheel, "w") as archive:
            for name, content in (members | extra).items():
                archive.writestr(name, content)

    def pin(self, **other):
        """Write the manifest for the wheel as it lies there, or with other values."""
        content = self.wheel.read_bytes()
        true = {"file": WHEEL, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        self.describe("parcels/bmkit-tiny", PARCEL.format(**(true | other)))

    def describe(self, name, text):
        """Write an entry of the manifest, as "sets/tiny"."""
        path = self.data / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        manifest._read.cache_clear()

    def change(self, line, instead):
        """Change the entry of the set."""
        text = (self.data / "sets" / "tiny.toml").read_text(encoding="utf-8")
        assert line in text
        self.describe("sets/tiny", text.replace(line, instead))

    def parcel(self):
        return self.cache / "parcels" / WHEEL

    def stock(self):
        """Put the wheel into the cache as if it had been fetched, where fetching is not what is tested."""
        self.parcel().parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.wheel, self.parcel())

    def run(self, code):
        """Start another Python process that knows this shop."""
        start = "import pathlib\nfrom bmkit.data import manifest, parcels\n"
        start += f"manifest.FOLDER = pathlib.Path({str(self.data)!r})\n"
        command = [sys.executable, "-c", start + code]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )


@pytest.fixture
def shop(tmp_path, monkeypatch):
    shop = Shop(tmp_path)
    monkeypatch.setattr(manifest, "FOLDER", shop.data)
    monkeypatch.setenv("BMKIT_CACHE", str(shop.cache))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # TFDS leaves an empty folder there at each preparation
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop.folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return shop


@pytest.fixture
def server(shop, monkeypatch):
    """Serve the wheel over HTTP; `meet` is waited for after the first half of each download."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
            body = shop.wheel.read_bytes() if self.path.endswith(".whl") else page
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/html" if body is page else "application/octet-stream")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            if body is not page:
                self.server.half.release()
                self.server.meet.wait()
            self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.half, served.meet = threading.Semaphore(0), threading.Event()
        served.handle_error = lambda *_: None  # a killed client is meant
        threading.Thread(target=served.serve_forever, daemon=True).start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{served.server_port}/simple")
        yield served
        served.meet.set()
        served.shutdown()


def check_served(shop):
    """Load the set and compare every row with what went into the wheel."""
    tiny = data.load("tiny")
    rows = np.concatenate([np.c_[x.reshape(-1, 4), y] for x, y in map(tiny.arrays, manifest.SPLITS)])
    expected = np.loadtxt(ROWS.splitlines(), delimiter=",")
    np.testing.assert_array_equal(rows[np.argsort(rows[:, 0])], expected)
    assert data.verify(["tiny"]) == []
    assert list((shop.cache / "tmp").iterdir()) == [], "a temporary folder was left"


def check_nothing_left(shop):
    """No parcel, no prepared set, no temporary folder."""
    assert [path for path in shop.cache.rglob("*") if path.is_file()] == []
