"""The real pip meets a hostile index on this computer: every transfer is bounded and ends in one sentence."""

import gzip
import http.server
import re
import sys
import threading
import time

import pytest

from bmkit import data
from bmkit.data import manifest, transport

pytestmark = pytest.mark.slow

pytest_plugins = ["shop"]


@pytest.fixture
def index(shop, monkeypatch):
    """Answer pip with a function of the test's; the server ends with the test."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            served.asked.append(self.path)
            if self.path.endswith(".whl"):
                served.wheel(self)
            else:
                served.page(self)

        def answer(self, body, *, length=None, **headers):
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if self.path.endswith(".whl") else "text/html")
            if length is not False:
                self.send_header("Content-Length", str(length or len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = True
        served.handle_error = lambda *_: None  # a client that was stopped is meant
        served.asked, served.over = [], threading.Event()
        served.page = lambda handler: handler.answer(f'<a href="/{shop.wheel.name}">{shop.wheel.name}</a>'.encode())
        served.wheel = lambda handler: handler.answer(shop.wheel.read_bytes())
        threading.Thread(target=served.serve_forever, daemon=True).start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{served.server_port}/simple")
        yield served
        served.over.set()
        served.shutdown()


def endless(served, *, piece, pause):
    """Send a body that has no end, at most for a minute and 64 MiB."""

    def wheel(handler):
        handler.answer(piece, length=False)
        for _ in range(min(2**26 // len(piece), 10**4)):
            if served.over.wait(pause):
                break
            handler.wfile.write(piece)
            handler.wfile.flush()

    return wheel


def refused(shop, seconds):
    """Fetch, and return what was said; nothing may be left, and it may not take long."""
    start = time.monotonic()
    with pytest.raises(data.DataError) as caught:
        data.fetch("tiny")
    assert time.monotonic() - start < seconds, "a guard against transfers without end, not a measurement"
    assert [path for path in shop.cache.rglob("*") if path.is_file()] == []
    assert "hint" not in str(caught.value) and "--" not in str(caught.value), "pip's advice is about pip's options"
    return str(caught.value)


def test_a_body_without_end_is_cut_off_at_the_parcels_size(shop, index):
    index.wheel = endless(index, piece=bytes(2**16), pause=0)
    told = refused(shop, 20)
    assert re.match(r"more than the 7\d\d,\d{3} bytes of bmkit-tiny 1\.0 were offered, so it is not the expected", told)


def test_a_wheel_that_says_to_be_larger_is_not_even_begun(shop, index):
    index.wheel = lambda handler: handler.answer(bytes(2**20), length=10**12)
    assert "more than the" in refused(shop, 20)


def test_a_server_that_falls_silent_is_given_up(shop, index, monkeypatch):
    monkeypatch.setattr(transport, "SILENCE", 2)

    def half(handler):
        handler.answer(shop.wheel.read_bytes()[:300_000], length=shop.wheel.stat().st_size)
        index.over.wait(60)

    index.wheel = half
    assert "the connection broke, or fell silent; without a network" in refused(shop, 20)


def test_an_index_that_never_answers_is_given_up(shop, index, monkeypatch):
    monkeypatch.setattr(transport, "SILENCE", 2)
    monkeypatch.setattr(transport, "PATIENCE", 1)
    index.page = lambda handler: index.over.wait(60)
    assert "the package index did not answer, or does not have it; without" in refused(shop, 20)


def test_a_drip_is_not_taken_for_a_transfer(shop, index, monkeypatch):
    monkeypatch.setattr(transport, "WINDOW", 4)
    index.wheel = endless(index, piece=b"x", pause=0.5)
    assert "nothing came any more for 4 seconds" in refused(shop, 20)


def test_a_transfer_cut_off_is_told(shop, index):
    index.wheel = lambda handler: handler.answer(shop.wheel.read_bytes()[:-9], length=shop.wheel.stat().st_size)
    assert "the connection broke, or fell silent; without" in refused(shop, 20)


def test_another_wheel_is_thrown_away_before_pip_opens_it(shop, index):
    about = "bmkit_tiny-1.0.dist-info/METADATA"
    good, sha256 = shop.wheel.read_bytes(), manifest.entry("tiny").parcel.sha256
    shop.pack(**{about: "Metadata-Version: 2.1\nName: bmkit-tiny\nVersion: 1.1\n"})
    assert "is not the expected one: its SHA-256 is" in (told := refused(shop, 20)) and sha256 in told
    shop.wheel.write_bytes(good)
    data.fetch("tiny")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere time alone bounds what pip takes in")
def test_a_page_that_unpacks_to_gigabytes_is_bounded(shop, index, monkeypatch):
    monkeypatch.setattr(transport, "MEMORY", 2**29)
    bomb = gzip.compress(bytes(2**20)) * 1200  # 1.2 MB on the wire, 1.2 GB in memory
    index.page = lambda handler: handler.answer(bomb, Content_Encoding="gzip")
    assert "more than pip can take in" in refused(shop, 60)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere time alone bounds what pip takes in")
def test_metadata_beside_the_wheel_is_not_read(shop, index):
    name = shop.wheel.name
    index.page = lambda handler: handler.answer(
        f'<a href="/{name}" data-dist-info-metadata="true" data-core-metadata="true">{name}</a>'.encode()
    )
    data.fetch("tiny")
    assert not [path for path in index.asked if path.endswith(".metadata")]


def test_a_dead_port_is_known_at_once(shop, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert "could not be fetched: the package index cannot be reached; without a network" in refused(shop, 5)
