"""`relatent mosaic` on anybody's files: every format gives the same picture, mistakes are one line;
the drawing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relatent.errors import InputError
from relatent.figures import mosaic
from relatent.files import hdf5 as storage
from relatent.ordering import order_features, path_length, typeset, wrap
from relatent.tools.pictures import read_features
from tests.support.harness import ROOT, run

FEATURES = np.random.default_rng(0).normal(size=(30, 4, 6)).cumsum(axis=2)


def relatent(*words: str, cwd: Path) -> tuple[int, str, str]:
    done = run("python", "-m", "relatent.cli", "mosaic", *words, cwd=cwd, check=False, PYTHONPATH=str(ROOT / "src"))
    return done.returncode, done.stdout, done.stderr


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_picture_holds_the_typeset_tour(tmp_path: Path) -> None:
    """The issue's own command line; the layout's JSON is the library's; the same bytes twice."""
    storage.write_hdf5(tmp_path / "file.h5", {"weights": FEATURES, "labels": np.arange(30)})
    for name in ("out.png", "again.png"):
        words = ("file.h5", "--order", "tsp", "--typeset", name, "--columns", "8", "--layout", "layout.json")
        code, out, err = relatent(*words, cwd=tmp_path)
        assert (code, err) == (0, "")
    order = order_features(FEATURES, method="tsp")
    layout = json.loads((tmp_path / "layout.json").read_text())
    assert layout["order"] == order.tolist()
    assert layout["grid"] == typeset(order, FEATURES, columns=8).tolist()
    assert layout["path_length"] == pytest.approx(path_length(FEATURES, order))
    assert f"path length {layout['path_length']:.3f}" in out
    expected = mosaic.mosaic(mosaic.shade(FEATURES), np.array(layout["grid"]))
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), expected)
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "again.png").read_bytes()


@pytest.mark.parametrize("order", ["none", "greedy", "leaf"])
def test_wrapped_orders(tmp_path: Path, order: str) -> None:
    """Without --typeset lines are full."""
    np.save(tmp_path / "f.npy", FEATURES.reshape(30, 24))
    code, _, err = relatent("f.npy", "out.png", "--order", order, "--shape", "4x6", "--columns", "7", cwd=tmp_path)
    assert (code, err) == (0, "")
    grid = wrap(order_features(FEATURES, method=order), columns=7)
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), mosaic.mosaic(mosaic.shade(FEATURES), grid))


def test_constant_features_are_named_and_drawn_last(tmp_path: Path) -> None:
    """One line on stderr, and the picture is made."""
    features = FEATURES.copy()
    features[3] = 1
    np.save(tmp_path / "f.npy", features)
    code, _, err = relatent("f.npy", "out.png", "--layout", "l.json", cwd=tmp_path)
    assert code == 0
    assert err == "feature 3: constant, correlation undefined; put last\n"
    assert json.loads((tmp_path / "l.json").read_text())["order"][-1] == 3


def test_one_feature_is_a_mosaic_of_one_tile(tmp_path: Path) -> None:
    """Nothing to order, and nothing is wrong."""
    np.save(tmp_path / "f.npy", FEATURES[:1])
    code, out, err = relatent("f.npy", "out.png", "--typeset", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "1 features, 1 lines of 1" in out
    assert pixels(tmp_path / "out.png").shape == (4, 6)


MISTAKES = {
    "missing file": (["none.h5", "o.png"], "none.h5: no such file"),
    "kind": (["f.txt", "o.png"], "f.txt: must be .h5, .hdf5, .npy or .npz, got .txt"),
    "missing dataset": (["f.h5:w", "o.png"], "f.h5: no data set 'w'; it has group/b (30, 4, 6), la"),
    "open choice": (["two.npz", "o.png"], "two.npz: 2 arrays of 2 or 3 dimensions (it has "),
    "no square": (["flat.npy", "o.png"], "a feature has 24 values, but a square is assumed; give --shape YxX"),
    "wrong shape": (["flat.npy", "o.png", "--shape", "5x5"], "24 values, but --shape 5x5 gives 25"),
    "other shape": (["f.h5", "o.png", "--shape", "6x4"], "--shape: got 6x4, but the features are (30, 4, 6)"),
    "no shape": (["flat.npy", "o.png", "--shape", "4by6"], "--shape: got '4by6', allowed: rows and columns, as 28x28"),
    "nan": (["nan.npy", "o.png"], "feature 7 of 30 (counted from 0): nan or infinite values"),
    "object": (["bad.npy", "o.png"], "bad.npy: not a plain numpy file"),
    "truncated": (["cut.h5", "o.png"], "cut.h5: not a whole HDF5 file"),
    "method": (["f.h5", "o.png", "--order", "best"], "method must be one of none, greedy, tsp, leaf, fast-tsp"),
    "columns": (["f.h5", "o.png", "--columns", "-3"], "--columns: got -3, allowed: a whole number from 1, or 0"),
    "no PNG": (["f.h5", "o.jpg"], "o.jpg: must be .png, got .jpg"),
    "one number each": (["vector.npy", "o.png"], "features must be numbers (n, y, x) or (n, d), got float64 (30,)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_picture(tmp_path: Path, mistake: str) -> None:
    """What was given, what is allowed, what to do."""
    storage.write_hdf5(tmp_path / "f.h5", {"group/b": FEATURES, "labels": np.arange(30)})
    (tmp_path / "cut.h5").write_bytes((tmp_path / "f.h5").read_bytes()[:3000])
    np.savez(tmp_path / "two.npz", a=FEATURES, b=FEATURES)
    np.save(tmp_path / "flat.npy", FEATURES.reshape(30, 24))
    np.save(tmp_path / "vector.npy", np.arange(30.0))
    np.save(tmp_path / "bad.npy", np.array([{"an": "object"}]), allow_pickle=True)
    np.save(tmp_path / "nan.npy", np.where(np.arange(30)[:, None, None] == 7, np.nan, FEATURES))
    words, said = MISTAKES[mistake]
    code, _, err = relatent(*words, cwd=tmp_path)
    assert code == 1
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))


def test_every_format_gives_the_same_features(tmp_path: Path) -> None:
    """The only array of two or three dimensions is found by itself."""
    storage.write_hdf5(tmp_path / "f.h5", {"group/b": FEATURES, "labels": np.arange(30)})
    np.savez(tmp_path / "f.npz", b=FEATURES, labels=np.arange(30))
    np.save(tmp_path / "f.npy", FEATURES)
    for name in ("f.h5", "f.npz", "f.npy"):
        np.testing.assert_array_equal(read_features(tmp_path / name), FEATURES)
    with pytest.raises(InputError, match="a single array without names"):
        read_features(tmp_path / "f.npy", dataset="b")


def test_tiles_lie_where_the_grid_says() -> None:
    """Against a loop over the grid; what is blank or between tiles is white."""
    tiles = mosaic.shade(FEATURES)
    grid = np.array([[4, -1, 2], [-1, 9, -1]])
    picture = mosaic.mosaic(tiles, grid, gap=2)
    expected = np.full((2 * 6 - 2, 3 * 8 - 2), 255, np.uint8)
    for (line, column), tile in np.ndenumerate(grid):
        if tile >= 0:
            expected[line * 6 : line * 6 + 4, column * 8 : column * 8 + 6] = tiles[tile]
    np.testing.assert_array_equal(picture, expected)
    with pytest.raises(InputError, match=r"grid must be \(lines, columns\) of -1 to 29"):
        mosaic.mosaic(tiles, np.array([[30]]))


def test_zero_is_middle_grey_where_signs_differ_and_the_scale_is_shared() -> None:
    """Equal values are equally grey in every tile."""
    shades = mosaic.shade(np.array([[[-2.0, 0.0, 1.0]], [[1.0, 0.0, -2.0]]]))
    assert shades[0, 0].tolist() == shades[1, 0, ::-1].tolist()
    assert abs(int(shades[0, 0, 1]) - 127) <= 5
    assert mosaic.shade(np.arange(4.0).reshape(1, 2, 2)).ravel()[[0, 3]].tolist() == [0, 255]
    assert len(set(mosaic.shade(np.ones((2, 2, 2))).ravel())) == 1


def test_panels_repeat_to_the_byte_and_stay_small(tmp_path: Path) -> None:
    """Four layouts of the same features."""
    grids = {name: wrap(order_features(FEATURES, method=name), columns=6) for name in ("none", "greedy", "tsp")}
    grids["typeset"] = typeset(order_features(FEATURES, method="tsp"), FEATURES, columns=6)
    for file in ("a.png", "b.png"):
        mosaic.panels(tmp_path / file, FEATURES, grids, dict.fromkeys(grids, 12.0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size < 300_000
