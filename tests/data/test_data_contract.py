"""What every data set promises, tested on the real data in the user's own cache."""

import collections
import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest

from bmkit import data
from bmkit.data import manifest, texts
from bmkit.data.cache import cache_folder
from bmkit.data.parcels import problem_of

pytestmark = pytest.mark.slow

SPLITS = manifest.SPLITS
ONLINE = [name for name in data.names() if manifest.entry(name).recipe.source == "tfds"]
LOCAL = [name for name in data.names() if name not in ONLINE]
loaded = {}


@pytest.fixture(params=LOCAL)
def name(request):
    return request.param


@pytest.fixture
def arrays(name):
    """Read the splits of a set once; without the data and without a network, DataError says what to do."""
    if name not in loaded:
        whole = data.load(name)
        loaded[name] = {split: whole.arrays(split) for split in SPLITS}
    return loaded[name]


def columns(x, field):
    """Pair every input array with its manifest field."""
    return [(x, field)] if isinstance(field, manifest.Field) else [(x[key], field[key]) for key in field]


def one_value(value):
    return value.tobytes() if np.ndim(value) else str(value)


def contents(x):
    """One value per row that is equal exactly for rows of equal content; "not a number" equals itself."""
    if isinstance(x, dict):
        return list(zip(*([one_value(value) for value in column] for column in x.values()), strict=True))
    if x.dtype == object:
        return [texts.opening(text) for text in x]
    return [hashlib.sha256(row.tobytes()).digest() for row in x]


def test_rows_shapes_types_and_ranges_are_as_described(name, arrays):
    description = data.describe(name)
    for split in SPLITS:
        x, y = arrays[split]
        for values, field in [*columns(x, description.x), (y, description.y)]:
            assert values.shape == (description.rows[split], *field.shape)
            if field.dtype == "string":
                assert all(isinstance(text, str) and text.strip() for text in values)
                continue
            assert values.dtype == field.dtype
            known = values[~np.isnan(values)] if field.missing else values
            assert np.isfinite(known).all(), (
                f"{(~np.isfinite(known)).sum()} are no numbers; missing = … in data/sets/{name}.toml"
            )
            assert field.range, (
                f"the numbers reach from {known.min()} to {known.max()}; say so in data/sets/{name}.toml"
            )
            told = f"the numbers reach from {known.min()} to {known.max()}, described are {field.range}"
            assert field.range[0] <= known.min() <= known.max() <= field.range[1], told


def test_as_many_numbers_are_missing_as_described(name, arrays):
    fields = columns(arrays["train"][0], data.describe(name).x)
    for index, (_, field) in enumerate(fields):
        values = [columns(arrays[split][0], data.describe(name).x)[index][0] for split in SPLITS]
        floats = [one.reshape(len(one), -1) for one in values if one.dtype.kind == "f"]
        gaps = sum(int(np.isnan(one).any(axis=1).sum()) for one in floats)
        told = f'{gaps} rows hold "not a number"; write missing = {gaps} into data/sets/{name}.toml, or mend the reader'
        assert gaps == field.missing, told


def test_the_described_range_of_the_labels_is_reached(name, arrays):
    labels = np.concatenate([arrays[split][1] for split in SPLITS])
    if labels.dtype == object:
        pytest.skip("what is to be found is a text")
    told = f"the labels reach from {labels.min()} to {labels.max()}; write this range into data/sets/{name}.toml"
    assert (labels.min(), labels.max()) == data.describe(name).y.range, told


def test_every_class_is_in_every_split_with_its_share(name, arrays):
    classes = data.describe(name).classes
    if not classes:
        pytest.skip("the labels are no classes shared by the splits")
    shares = {split: np.bincount(arrays[split][1]) / len(arrays[split][1]) for split in SPLITS}
    for split in SPLITS:
        assert len(shares[split]) == len(classes) and shares[split].min() > 0
    one_row = 1 / len(arrays["validation"][1])
    np.testing.assert_allclose(shares["validation"], shares["train"], atol=max(0.01, one_row))


def test_no_row_is_in_two_splits_or_twice_in_one_but_as_described(name, arrays):
    kept = {split: contents(arrays[split][0]) for split in SPLITS}
    places = collections.Counter(itertools.chain(*map(set, kept.values())))
    leaks = sum(count > 1 for count in places.values())
    repeats = sum(len(kept[split]) - len(set(kept[split])) for split in ("train", "validation"))
    told = (
        f"leaks = {leaks} (contents in two splits), repeats = {repeats} (in train or validation); take them out, or, "
    )
    told += f"where they are kept on purpose, write both numbers into data/sets/{name}.toml and say why in its notes"
    assert (leaks, repeats) == (data.describe(name).leaks, data.describe(name).repeats), told


@pytest.mark.parametrize("name", ["concrete"])
def test_samples_of_one_mixture_are_in_one_split(name, arrays):
    mixtures = [{tuple(row) for row in arrays[split][0][:, :-1]} for split in SPLITS]
    assert len(set().union(*mixtures)) == sum(map(len, mixtures)) == 427


@pytest.mark.parametrize(
    ("raw", "clean", "lost"),
    [("silhouettes_raw", "silhouettes", 284), ("small_fine_foods_raw", "small_fine_foods", 31)],
)
def test_a_raw_set_holds_the_clean_one_and_what_was_cleaned_away(raw, clean, lost):
    whole = [[row for split in SPLITS for row in contents(data.load(name).arrays(split)[0])] for name in (raw, clean)]
    assert len(whole[0]) - len(whole[1]) == lost and set(whole[0]) == set(whole[1])


# insteval takes the same path through the same lines, but shuffling it means decoding 58,740 rows each time.
@pytest.mark.parametrize("name", [name for name in LOCAL if name != "insteval"])
def test_pipelines_hold_the_same_rows_and_repeat_exactly(name, arrays):
    first, second = (data.load(name, batch_size=64, seed=seed) for seed in (5, 5))
    for split in SPLITS:
        batches = list(getattr(first, split).as_numpy_iterator())
        assert all(len(y) == 64 for _, y in batches[:-1])
        labels = np.concatenate([y for _, y in batches])
        stored = arrays[split][1]
        stored = np.array([text.encode() for text in stored], object) if stored.dtype == object else stored
        assert sorted(labels) == sorted(stored)
        again = np.concatenate([y for _, y in getattr(second, split).as_numpy_iterator()])
        np.testing.assert_array_equal(labels, again)
        assert (labels == stored).all() == (split != "train"), "train is shuffled, the others are not"


def test_each_epoch_and_each_seed_has_its_own_repeatable_order():
    runs = [data.load("digits", seed=seed).train for seed in (0, 0, 1)]
    orders = [[np.concatenate([y for _, y in run.as_numpy_iterator()]).tolist() for _ in range(2)] for run in runs]
    assert orders[0] == orders[1]
    assert orders[0][0] != orders[0][1] and orders[0][0] != orders[2][0]


@pytest.mark.parametrize("name", data.names())
def test_the_description_is_complete_and_readable(name):
    description = data.describe(name)
    for text in ("title", "split", "licence", "citation", "source"):
        assert len(getattr(description, text)) >= 3, text
    assert description.reference.startswith("https://")
    fields = (
        [field for _, field in columns(dict.fromkeys(description.x), description.x)]
        if isinstance(description.x, dict)
        else [description.x]
    )
    assert all(field.unit for field in [*fields, description.y])
    for part in (name, description.licence, description.citation, f"{description.rows['train']:,} train"):
        assert part in " ".join(str(description).split())  # long lines are wrapped


def test_the_parcels_in_the_cache_are_those_of_the_manifest(name, arrays):
    parcels = manifest.entry(name).parcels
    if not parcels:
        pytest.skip("comes without a parcel")
    assert data.describe(name).download_bytes == sum(parcel.bytes for parcel in parcels)
    paths = {cache_folder() / "parcels" / parcel.file: parcel for parcel in parcels}
    if not all(path.exists() for path in paths):
        data.fetch([name])
    assert not any(path.exists() and problem_of(path, parcel) for path, parcel in paths.items())
    assert data.verify([name]) == []


@pytest.mark.parametrize("name", ["orl_faces"])
def test_test_faces_belong_to_people_never_seen(name, arrays):
    people = {split: set(arrays[split][1]) for split in SPLITS}
    assert {split: len(some) for split, some in people.items()} == {"train": 28, "validation": 4, "test": 8}
    assert set().union(*people.values()) == set(range(40))


@pytest.mark.parametrize("name", ["electricity_demand"])
def test_a_series_is_in_the_order_of_time_and_later_splits_are_later(name, arrays):
    steps = np.concatenate([arrays[split][0]["step"] for split in SPLITS])
    np.testing.assert_array_equal(steps, np.arange(4032))
    demand = np.concatenate([arrays[split][1] for split in SPLITS])
    assert demand[:3].tolist() == [22262, 21756, 22247] and demand[-1] == 23132
    by_day = demand.reshape(12, 7, 48).mean(axis=(0, 2))
    assert by_day[5:].max() < by_day[:5].min(), "Saturdays and Sundays need least"


@pytest.mark.parametrize("name", ["insteval"])
def test_every_rated_lecturer_and_student_is_in_train(name, arrays):
    seen, _ = arrays["train"]
    for split in ("validation", "test"):
        x, _ = arrays[split]
        for who in ("student", "lecturer"):
            assert set(x[who]) <= set(seen[who])


@pytest.mark.parametrize("name", ["japanese_vowels"])
def test_frames_of_zeros_are_filling_at_the_end_only(name, arrays):
    speech = arrays["test"][0].any(axis=-1)
    lengths = speech.sum(axis=1)
    assert (lengths.min(), lengths.max()) == (7, 29)
    assert (speech == (np.arange(29) < lengths[:, np.newaxis])).all()


def test_a_warm_load_prints_nothing_and_writes_nothing():
    before = {path: path.stat().st_mtime_ns for path in (cache_folder() / "sets").rglob("*")}
    data.load("mnist_5k")
    code = "from bmkit import data\nfor x, y in data.load('mnist_5k').train: pass"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    after = {path: path.stat().st_mtime_ns for path in (cache_folder() / "sets").rglob("*")}
    assert after == before


def test_importing_the_package_stays_light():
    code = "import sys, bmkit.data\nprint({'keras', 'tensorflow', 'tensorflow_datasets', 'sklearn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_wrong_names_say_what_there_is():
    with pytest.raises(data.DataError, match=r"no data set 'mnis'; there are: announcements, .*mnist, mnist_5k"):
        data.load("mnis")
    with pytest.raises(data.DataError, match="no split 'dev'; there are: train"):
        data.load("digits").arrays("dev")
    with pytest.raises(ValueError, match="batch_size is 0, expected 1"):
        data.load("digits", batch_size=0)
