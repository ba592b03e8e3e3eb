"""What several tests start from: a planned chapter, one as cells to change, an unfetched wheel, and a browser."""

import zipfile

import pytest

from bmkit.course import book, chapters, form, wheel


@pytest.fixture
def written(monkeypatch):
    """Chapter 05 as cells that a test may change: what stands in its source, and what is built from it."""
    five = chapters.find("05")
    source, built = book.read_source(five), form._built(five)
    monkeypatch.setattr(book, "read_source", lambda chapter: source)
    monkeypatch.setattr(form, "_built", lambda chapter: built)
    return source.cells, built


@pytest.fixture
def planned(monkeypatch):
    """A chapter that is planned, whatever the course has."""
    plan = chapters.chapters()
    one = chapters.Chapter("98", "not_yet", "Not yet", part=plan[-1].part, before=("00",))
    for module in (book, chapters):
        monkeypatch.setattr(module, "chapters", lambda: [*plan, one])
    return one


@pytest.fixture
def wheel_of_flowers(tmp_path_factory, monkeypatch):
    """A wheel that pip is not asked for."""
    path = tmp_path_factory.mktemp("wheels") / "flowers-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flowers/__init__.py", "print('never run')")
        archive.writestr("flowers/about.txt", "petals" * 99)
        archive.writestr("flowers/iris.csv", "length,width,species\n1,2,setosa\n")
        about = "Metadata-Version: 2.1\nName: flowers\nVersion: 1.2\nLicense: MIT\n"
        archive.writestr("flowers-1.2.dist-info/METADATA", about)
        archive.writestr(
            "flowers-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
    monkeypatch.setattr(wheel, "fetched", lambda requirement: wheel.looked_at(path, *requirement.split("==")))
    return path


@pytest.fixture(scope="module")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        yield play
