"""Test that a damaged params.yaml gives either a section or a one-line error."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given

from relatent.jobs.params import load_section
from relatent.stages.vae import VAE
from tests.support.mutations import damaged_text, folder_with, many, result_or_one_line


def section_of(path: Path, name: str) -> str:
    """Return the lines of one section of a YAML file, without comments."""
    lines = [line.split("  #")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    start = lines.index(f"{name}:")
    stop = next(
        number for number in range(start + 1, len(lines)) if lines[number] and not lines[number].startswith(" ")
    )
    return "\n".join(lines[start:stop])


PARAMETERS = section_of(Path(__file__).parents[2] / "demo" / "params.yaml", "vae")
LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@given(content=damaged_text(PARAMETERS))
@example(content=(LAUGHS + "vae: *a11\n").encode())
@example(content=(LAUGHS + "vae: {runs: *a11, bound: *a11}\n").encode())
@example(content=b"vae: " + b"[" * 5000)
@example(content=b"vae: &a {runs: *a, bound: *a}\n")
@example(content=b"vae: !!python/object/apply:os.mkdir [evil]\n")
@example(content=b"vae: {runs: !!int '', bound: !!bool x, k: !!float y, t: 2001-99-99}\n")
@example(content=b'vae: {"a\\nb": 1}\n')
@many(150)
def test_parameters(content: bytes) -> None:
    with folder_with(params__yaml=content) as folder:
        found = result_or_one_line(lambda: load_section(VAE, "vae", folder / "params.yaml"))
        assert found is None or isinstance(found, VAE)
