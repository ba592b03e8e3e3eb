"""Figures: labelled, small enough to store, told apart in grey print, and with everything drawn that was asked for."""

import io
import itertools
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from bmkit import diagrams, plot
from bmkit.course.chapters import Chapter

ROOT = Path(plot.__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def closed():
    """No figure of one test is left for the next."""
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook."""
    pictures = []
    monkeypatch.setattr("IPython.display.display", pictures.append)
    return pictures


def labelled():
    figure, axes = plot.subplots()
    axes.plot([1, 2, 3])
    axes.set(xlabel="epoch", ylabel="loss (nats)")
    return figure


def noisy(side=8):
    """A large figure of coloured noise, which no lossless format makes small."""
    figure, axes = plot.subplots(figsize=(side, side))
    axes.imshow(np.random.default_rng(0).random((400, 400, 3)))
    axes.axis("off")
    return figure


def test_the_style_does_not_depend_on_the_users_settings(tmp_path):
    code = "import matplotlib, bmkit.plot; print({k: v for k, v in matplotlib.rcParams.items() if 'backend' not in k})"
    told = []
    for text in (
        "",
        "text.color: white\naxes.labelcolor: white\nsavefig.transparent: True\nfont.size: 40\nlines.color: w\n",
    ):
        (tmp_path / "matplotlibrc").write_text(text)
        surroundings = {**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code]
        told.append(subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True).stdout)
    assert told[0] == told[1] and "'text.color': 'black'" in told[0]


def test_a_dark_style_chosen_later_leaves_the_paper_white(shown):
    with plt.style.context("dark_background"), matplotlib.rc_context({"savefig.transparent": True}):
        plot.show(labelled())
    corner = Image.open(io.BytesIO(shown[0].data)).convert("RGBA").getpixel((0, 0))
    assert corner == (255, 255, 255, 255)


def test_signs_that_the_standard_font_lacks_are_drawn_by_one_of_the_systems(shown):
    if len(plot.STYLE["font.family"]) == 1:
        pytest.skip("this computer has no font with Chinese signs")
    figure, axes = plot.subplots()
    axes.set(xlabel="训练轮数", ylabel="loss (nats)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Glyph … missing"
        plot.show(figure)


@pytest.mark.parametrize("missing", ["xlabel", "ylabel"])
def test_numbers_without_a_label_are_refused(shown, missing):
    figure, axes = plot.subplots(1, 3)
    axes[0].set(xlabel="x", ylabel="y")
    axes[1].set(**{name: "x" for name in ("xlabel", "ylabel") if name != missing})
    axes[2].axis("off")
    with pytest.raises(ValueError, match="1 of the figure's 3 axes lack a label"):
        plot.show(figure)
    assert not shown


def test_a_figure_is_shown_once_and_closed(shown):
    figure = labelled()
    plot.show(figure)
    assert len(shown) == 1 and not plt.fignum_exists(figure.number)
    assert Image.open(io.BytesIO(shown[0].data)).format == "PNG"


def test_the_same_figure_is_stored_with_the_same_bytes(shown):
    plot.show(labelled())
    plot.show(labelled())
    assert shown[0].data == shown[1].data


def test_a_small_figure_keeps_its_colours_and_pixels(shown):
    plot.show(labelled())
    picture = Image.open(io.BytesIO(shown[0].data))
    assert picture.mode == "RGBA" and 600 < picture.width < 680
    blue = tuple(round(255 * part) for part in to_rgb(plot.COLORS[0]))
    assert blue in {color[:3] for _, color in picture.getcolors(100_000)}


@pytest.mark.parametrize("figure", [noisy, labelled], ids=["noise", "line"])
def test_what_is_stored_is_at_most_60_kilobytes(shown, figure):
    plot.show(figure())
    assert len(shown[0].data) <= 60_000
    picture = Image.open(io.BytesIO(shown[0].data))
    assert picture.width >= 200 and len(np.unique(np.asarray(picture.convert("L")))) > 2, "too little is left to see"


def lightness(color):
    """Perceived lightness of a colour, which is what grey print keeps of it: CIE L*, 0 black to 100 white."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return 116 * np.cbrt(np.dot([0.2126, 0.7152, 0.0722], linear) + 1e-9) - 16


def test_neighbouring_colours_differ_in_grey_print():
    grey = [lightness(color) for color in plot.COLORS]
    assert max(grey) < 75, "too light for white paper"
    assert min(abs(a - b) for a, b in itertools.combinations(grey[:3], 2)) > 20, "most figures have up to three curves"
    assert min(abs(a - b) for a, b in itertools.pairwise(grey)) > 6


def test_colours_lines_and_markers_are_as_many_and_all_different():
    for family in (plot.COLORS, plot.LINES, plot.MARKERS):
        assert len(family) == len(set(family)) == len(plot.COLORS)
    cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    assert [step["color"] for step in cycle] == list(plot.COLORS)
    assert [step["linestyle"] for step in cycle] == list(plot.LINES)


@pytest.mark.parametrize("shape", [(5, 4, 6), (5, 4, 6, 1), (5, 4, 6, 3)])
def test_every_picture_is_drawn_in_its_own_field(shape):
    pictures = np.random.default_rng(0).random(shape)
    figure = plot.images(pictures, [f"no {n}" for n in range(5)], columns=3, vmin=0, vmax=1)
    assert len(figure.axes) == 6 and not any(axes.axison for axes in figure.axes)
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    np.testing.assert_array_equal(np.stack(drawn), pictures[..., 0] if shape[-1:] == (1,) else pictures)
    assert [axes.get_title() for axes in figure.axes] == ["no 0", "no 1", "no 2", "no 3", "no 4", ""]
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_few_pictures_fill_one_row_of_the_asked_width():
    figure = plot.images(np.zeros((2, 8, 8)), columns=8, width=4.0)
    assert len(figure.axes) == 2 and figure.get_figwidth() == 4.0
    assert figure.get_figheight() == pytest.approx(2.05)


@pytest.mark.parametrize("titles", [["one"], [], ["a", "b", "c", "d"]])
def test_not_one_title_a_picture_is_an_error(titles):
    with pytest.raises(ValueError, match=f"3 pictures but {len(titles)} titles"):
        plot.images(np.zeros((3, 8, 8)), titles)


def test_learning_curves_are_one_line_each_with_a_label():
    runs = {
        "mlp": {"loss": [2.0, 1.0, 0.5], "val_loss": [2.1, 1.4, 1.3], "accuracy": [0.1, 0.2, 0.3]},
        "cnn": {"loss": [1.0, 0.5]},
    }
    axes = plot.history(runs, unit="nats").axes[0]
    labels = ["mlp, training", "mlp, validation", "cnn, training"]
    assert [line.get_label() for line in axes.lines] == labels
    assert [text.get_text() for text in axes.get_legend().get_texts()] == labels
    assert [list(line.get_ydata()) for line in axes.lines] == [[2.0, 1.0, 0.5], [2.1, 1.4, 1.3], [1.0, 0.5]]
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3], "epochs are counted from 1"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss (nats)")
    training, validation, other = axes.lines
    assert training.get_color() == validation.get_color() != other.get_color()
    assert training.get_linestyle() != validation.get_linestyle() and training.get_marker() != other.get_marker()


def test_another_metric_can_be_drawn():
    axes = plot.history({"mlp": {"loss": [2.0], "accuracy": [0.1, 0.2]}}, "accuracy").axes[0]
    assert list(axes.lines[0].get_ydata()) == [0.1, 0.2] and axes.get_ylabel() == "accuracy"


def test_more_runs_than_colours_are_refused_not_dropped():
    runs = {f"run {number}": {"loss": [1.0, 0.5]} for number in range(len(plot.COLORS) + 1)}
    with pytest.raises(ValueError, match=rf"{len(runs)} runs"):
        plot.history(runs)
    runs.popitem()
    assert len(plot.history(runs).axes[0].lines) == len(plot.COLORS)


def test_a_matrix_shows_every_number_and_every_name():
    values = np.array([[0, 3, 100], [7, 0, 1]])
    axes = plot.matrix(values, ["cat", "dog"], ["a", "b", "c"], xlabel="predicted", ylabel="true").axes[0]
    places = {text.get_position(): text.get_text() for text in axes.texts}
    assert places == {(0, 0): "0", (1, 0): "3", (2, 0): "100", (0, 1): "7", (1, 1): "0", (2, 1): "1"}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    colors = {text.get_text(): text.get_color() for text in axes.texts}
    assert colors["100"] == "white" and colors["0"] == "black", "numbers must stand out from their field"


def chapter(number, part, before=(), slug="planned"):
    return Chapter(number=number, slug=slug, title=f"Title {number}", part=part, before=before)


def test_the_course_map_has_a_box_and_a_title_for_each_chapter():
    ready = chapter("00", "First", slug="start_here")
    chapters = [ready, chapter("01", "First", ("00",)), chapter("02", "Second", ("00", "01")), chapter("03", "Second")]
    assert ready.ready and not chapters[1].ready
    axes = diagrams.course_map(chapters).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == 4 and len({(box.get_x(), box.get_y()) for box in boxes}) == 4
    assert [box.get_facecolor()[:3] == (1, 1, 1) for box in boxes] == [False, True, True, True]
    assert len(axes.patches) == len(boxes), "no arrow crosses a box: what comes before stands in it"
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["00 Title 00", "01 Title 01\n← 00", "02 Title 02\n← 00 01", "03 Title 03", "First", "Second"]
    left, right = boxes[0], boxes[2]
    assert left.get_x() < right.get_x(), "one column a part, from left to right"
    for box in boxes:
        assert axes.get_xlim()[0] <= box.get_x() and box.get_x() + box.get_width() <= axes.get_xlim()[1]


def test_boxes_refuse_an_arrow_to_nowhere():
    with pytest.raises(ValueError, match="no box is named c; the boxes are a, b"):
        diagrams.boxes({"a": (0, 0), "b": (1, 0)}, [("a", "c")])
    texts = [text.get_text() for text in diagrams.boxes({"a": (0, 0), "b": (1, 0)}, [("a", "b")]).axes[0].texts]
    assert texts == ["a", "b", ""]


def test_a_step_of_a_convolution_shows_what_the_window_has_passed():
    picture, kernel = np.arange(20.0).reshape(4, 5), np.full((3, 3), 2.0)
    answers = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]])
    left, middle, right = diagrams.convolution_step(picture, kernel, answers, (1, 0)).axes
    assert left.patches[0].get_xy() == (-0.5, 0.5) and left.patches[0].get_width() == 3
    assert [text.get_text() for text in middle.texts][:2] == ["5.0\n× 2", "6.0\n× 2"]
    assert middle.get_title() == f"pixel × weight, sum {2 * picture[1:4, 0:3].sum():.1f}"
    drawn = right.images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(drawn, [[1, -2, 3], [4, np.nan, np.nan]])


def test_a_window_stops_where_stride_and_padding_let_it():
    panels = diagrams.window_places(5, 3, [(1, 0), (1, 1), (2, 0)]).axes
    assert [len(axes.lines[0].get_xdata()) for axes in panels] == [9, 25, 4]
    assert [axes.get_title().splitlines()[1] for axes in panels] == ["3×3 places", "5×5 places", "2×2 places"]
    assert len(panels[0].patches) == 25 + 2 and len(panels[1].patches) == 49 + 2  # pixels and two frames
    assert len(panels[0].texts) == 0 and len(panels[1].texts) == 24  # the zeros around
    first, second = panels[2].patches[-2:]
    assert first.get_xy() == (0, 0) and second.get_xy() == (2, 0) and second.get_width() == 3


def test_a_receptive_field_counts_the_pixels_that_one_output_sees():
    figure = diagrams.receptive_field([("convolution", 3, 1), ("pooling", 2, 2), ("convolution", 3, 1)])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["input: 8 pixels seen", "after convolution", "after pooling", "after convolution"]
    assert len(figure.axes[0].patches) == 8 + 6 + 3 + 1
    middles = [patch.get_x() + 0.4 for patch in figure.axes[0].patches]
    assert middles[-1] == pytest.approx(3.5) and middles[8:14] == pytest.approx([1, 2, 3, 4, 5, 6])
    assert middles[14:17] == pytest.approx([1.5, 3.5, 5.5])


def test_a_figure_to_explore_is_stored_for_its_start_values(shown):
    asked = []

    def draw(power, scale):
        asked.append((power, scale))
        return labelled()

    plot.explore(draw, start={"power": 2, "scale": 0.5}, power=[1, 2], scale=[0.5, 1.0])
    assert asked == [(2, 0.5)] and len(shown) == 1


@pytest.mark.parametrize("start", [{}, {"power": 3}, {"power": 1, "scale": 1}])
def test_a_start_value_that_is_not_offered_is_refused(start):
    with pytest.raises(ValueError, match="must give each of power one of the values offered"):
        plot.explore(lambda power: labelled(), start=start, power=[1, 2])


def test_where_somebody_watches_the_figure_has_sliders(shown, monkeypatch):
    monkeypatch.setattr(plot, "is_live", lambda: True)
    plot.explore(lambda noise_level: labelled(), start={"noise_level": 0.1}, noise_level=[0.0, 0.1])
    slider, *_ = shown[-1].children
    assert (slider.description, slider.value, slider.options) == ("noise level", 0.1, (0.0, 0.1))


def test_a_table_shows_numbers_intervals_and_gaps(shown):
    rows = {"mean": {"error": 0.5, "weights": 1}, "<network>": {"error": (0.25, 0.2, 0.3125), "weights": 12_345}}
    plot.table(rows | {"none": {"note": "too slow"}}, corner="model", digits=2)
    page = shown[0]._repr_html_()
    cells = [re.sub("<[^>]*>", "|", line).strip("|").split("||") for line in page.splitlines()[1:-1]]
    assert cells == [
        ["model", "error", "weights", "note"],
        ["mean", "0.50", "1", "–"],
        ["&lt;network&gt;", "0.25 (0.20 to 0.31)", "12,345", "–"],
        ["none", "–", "–", "too slow"],
    ]
    assert repr(shown[0]) == "a table of 3 rows (mean, <network>, none) and the columns error, weights, note"


def test_what_was_measured_is_not_compared_and_all_else_in_a_table_is(shown):
    pairs = re.findall("^regex: (.*)$\n^replace: (.*)$", (ROOT / "tests/nbval_sanitize.cfg").read_text("utf-8"), re.M)

    def compared(**results):
        plot.table({"network": results})
        page = shown[-1]._repr_html_()
        for regex, replace in pairs:
            page = re.sub(regex, replace, page)
        return page

    assert compared(error=0.5, weights=3) == compared(error=(0.25, 0.2, 0.3), weights=3)
    assert compared(error=0.5, weights=3) != compared(error=0.5, weights=4)
    assert compared(error=0.5, weights=3) != compared(loss=0.5, weights=3)


@pytest.mark.parametrize("shared", ["all", "col"])
def test_numbers_that_are_not_drawn_need_no_label(shown, shared):
    figure, grid = plot.subplots(2, 2, sharex=shared, sharey="all")
    for axes in grid[1]:
        axes.set_xlabel("epoch")
    for axes in grid[:, 0]:
        axes.set_ylabel("loss (nats)")
    plot.show(figure)
    assert len(shown) == 1


def test_a_label_of_the_whole_figure_and_one_of_a_colour_bar_are_enough(shown):
    figure, grid = plot.subplots(1, 2)
    for axes in grid:
        picture = axes.imshow(np.eye(3))
    figure.colorbar(picture, ax=grid[1]).set_label("weight")
    figure.supxlabel("column")
    figure.supylabel("row")
    plot.show(figure)
    assert len(shown) == 1
    figure, axes = plot.subplots()
    axes.set(xlabel="column", ylabel="row")
    figure.colorbar(axes.imshow(np.eye(3)), ax=axes)
    with pytest.raises(ValueError, match="1 of the figure's 2 axes lack a label"):
        plot.show(figure)
