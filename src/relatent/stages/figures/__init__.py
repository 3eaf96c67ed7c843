"""Stages `figures.<topic>`: draw each figure from the result files that hold its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Figure = Annotated[Path, typer.Option(help="PNG to write.")]
