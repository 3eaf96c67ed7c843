"""Give all figures one look: widths, colours, and PNG files whose bytes repeat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relatent.files.atomic import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = 3.35  # in; one column of a page
PAGE = 6.9  # in; a page's full width
LARGEST = 300_000  # bytes of a figure, because git keeps it

# ten classes: Okabe & Ito's eight, with two shades between that stay apart for colour-blind readers
CLASSES = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8AD12", "#000000", "#882255", "#999999",
)  # fmt: skip


@contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure; save it as PNG when the block ends.

    Parameters
    ----------
    path : the PNG to write.
    width, height : inches; `width` is COLUMN or PAGE.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    with plt.style.context(Path(__file__).with_name("style.mplstyle")):
        canvas = plt.figure(figsize=(width, height))
        try:
            yield canvas
            with atomic(path) as temporary:
                # no software version or date among the metadata: the bytes repeat
                canvas.savefig(temporary, metadata={"Software": None})
                shrink(temporary)
        finally:
            plt.close(canvas)


def shrink(path: Path) -> None:
    """Reduce a PNG above LARGEST bytes to a palette of as many colours as fit."""
    from PIL import Image

    for colours in (256, 128, 64, 32, 16):
        if path.stat().st_size <= LARGEST:
            return
        with Image.open(path) as picture:
            reduced = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        reduced.save(path, format="PNG", optimize=True)


def blank(axes: Any) -> None:
    """Remove ticks and frame, for images."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
