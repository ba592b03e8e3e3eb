"""Which chapters there are: planned ones from ``notebooks/chapters.toml``, ready ones from their title cells."""

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bmkit.course.templates import unfilled
from bmkit.errors import Error

__all__ = ["NOTEBOOKS", "ROOT", "BookError", "Chapter", "chapters", "find", "readme_table", "unfilled_places"]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
TITLE = re.compile(
    r"# (?P<number>\d\d) · (?P<title>.+)\n"
    r"\n\*\*After this you can\*\* (?P<aims>.+)\n"
    r"\n\*\*Time\*\* (?P<read>\d+) min to read, (?P<teach>\d+) min to teach, (?P<run>\d+) s to run\n"
    r"\n\*\*Before\*\* (?P<before>.+)\n"
    r"\n\*\*Data\*\* (?P<data>.+)"
)


class BookError(Error):
    """Something about chapters that the user can mend; the message says how."""


@dataclass(frozen=True)
class Chapter:
    """One chapter, planned or ready.

    Attributes:
        number: two digits.
        slug: name in file names.
        title: as readers see it.
        part: title of the part it belongs to.
        before: numbers of the chapters to read first.
        aims: what the reader can do afterwards; empty while planned.
        read_minutes: to read; 0 while planned.
        teach_minutes: to teach.
        run_seconds: to run from top to bottom on two cores.
    """

    number: str
    slug: str
    title: str
    part: str
    before: tuple[str, ...]
    aims: str = ""
    read_minutes: int = 0
    teach_minutes: int = 0
    run_seconds: int = 0

    @property
    def source(self) -> Path:
        """The text that is edited by hand."""
        return NOTEBOOKS / "source" / f"{self.number}_{self.slug}.py"

    @property
    def notebook(self) -> Path:
        """The executed notebook that readers open."""
        return NOTEBOOKS / f"{self.number}_{self.slug}.ipynb"

    @property
    def ready(self) -> bool:
        """Whether the chapter has been written."""
        return self.source.exists()


def chapters() -> list[Chapter]:
    """List all chapters in order: planned ones from ``notebooks/chapters.toml``, ready ones with their title cell.

    Returns:
        All chapters, ready or planned.

    Raises:
        BookError: a title cell has not the form that every chapter has.

    Example:
        >>> chapters()[11].slug
        'cnn_images'
    """
    with (NOTEBOOKS / "chapters.toml").open("rb") as file:
        parts = tomllib.load(file)["parts"]
    return [
        _with_title_cell(Chapter(part=part["title"], **{**entry, "before": tuple(entry["before"])}))
        for part in parts
        for entry in part["chapters"]
    ]


def find(number: str) -> Chapter:
    """Find a chapter that is ready by its number, slug or both.

    Args:
        number: such as ``"11"``, ``"cnn_images"`` or ``"11_cnn_images"``.

    Returns:
        The chapter.

    Raises:
        BookError: there is no such chapter, or it is only planned.

    Example:
        >>> find("11").slug
        'cnn_images'
    """
    wanted = Path(number).stem
    wanted = wanted.zfill(2) if re.fullmatch("[0-9]", wanted) else wanted
    is_number = re.fullmatch("[0-9]{2}", wanted)
    for chapter in chapters():
        if wanted in (chapter.number, chapter.slug, f"{chapter.number}_{chapter.slug}"):
            if chapter.ready:
                return chapter
            begin = f"begin it with: python3 -m bmkit new chapter {chapter.number}_{chapter.slug}"
            raise BookError(
                f"chapter {chapter.number} ({chapter.title}) is planned, not written yet; {begin}; {_ready_ones()}"
            )
    written = sorted((NOTEBOOKS / "source").glob(f"{wanted}_*.py")) if is_number else []
    if written:
        raise BookError(f"{written[0].name} is not in the plan; add it to notebooks/chapters.toml")
    begin = f"; add it to notebooks/chapters.toml with: python3 -m bmkit new chapter {wanted}_SLUG"
    raise BookError(f"there is no chapter {number!r}{begin if is_number else ''}; {_ready_ones()}")


def _ready_ones() -> str:
    return "ready are " + ", ".join(chapter.number for chapter in chapters() if chapter.ready) + "."


def _with_title_cell(chapter: Chapter) -> Chapter:
    if not chapter.ready:
        return chapter
    text = "\n".join(line.removeprefix("# ") for line in chapter.source.read_text("utf-8").splitlines()[:40])
    cell = TITLE.search(text.replace("\n#\n", "\n\n"))
    if cell is None:
        raise BookError(
            f"{chapter.source.name}: the title cell has not the common form (number · title, After this you can, "
            "Time, Before, Data); compare it with notebooks/source/00_start_here.py."
        )
    minutes = {"read_minutes": int(cell["read"]), "teach_minutes": int(cell["teach"]), "run_seconds": int(cell["run"])}
    return dataclasses.replace(chapter, aims=cell["aims"].strip(), **minutes)


def unfilled_places(chapter: Chapter) -> list[str]:
    """Find the CAPITALS of the templates that a writer has not filled in yet.

    Args:
        chapter: one whose source exists.

    Returns:
        One sentence a file.

    Example:
        >>> unfilled_places(find("05"))
        []
    """
    paths = [chapter.source, ROOT / "bmkit" / "exercises" / f"ch{chapter.number}.py"]
    return [sentence for path in paths if path.exists() for sentence in unfilled(path.name, path.read_text("utf-8"))]


def readme_table() -> str:
    """Write the README's chapter table from the title cells.

    Returns:
        Markdown, one table for all parts.
    """
    lines = ["| no | chapter | after it you can | read · teach · run |", "|---|---|---|---|"]
    part = None
    for chapter in chapters():
        if chapter.part != part:
            part = chapter.part
            lines.append(f"| | **{part}** | | |")
        if chapter.ready:
            link = f"[{chapter.title}](notebooks/{chapter.notebook.name})"
            times = f"{chapter.read_minutes} min · {chapter.teach_minutes} min · {chapter.run_seconds} s"
            lines.append(f"| {chapter.number} | {link} | {chapter.aims} | {times} |")
        else:
            lines.append(f"| {chapter.number} | {chapter.title} | *planned* | |")
    return "\n".join(lines)
