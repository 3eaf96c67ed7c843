"""Name the processor and the capabilities by which numerical libraries choose their code; best on
Linux."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

MATTER = re.compile(r"avx2|fma|avx512\w*|avx_vnni|amx\w*|\w*bf16|asimd|sve\w*")
INFO = Path("/proc/cpuinfo")


def processor(info: Path = INFO) -> dict[str, Any]:
    """Return the processor's model, number, and the capabilities by which libraries choose code.

    Examples
    --------
    >>> sorted(processor())
    ['capabilities', 'model', 'number']
    """
    try:
        lines = info.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        lines = []
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    number = f"{said.get('cpu family', '?')}/{said.get('model', '?')}/{said.get('stepping', '?')}"
    flags = (said.get("flags") or said.get("Features") or "").split()
    return {
        "model": said.get("model name") or platform.processor() or platform.machine(),
        # family, model and stepping: a virtual machine's name for its processor may say little
        "number": number,
        "capabilities": sorted(flag for flag in set(flags) if MATTER.fullmatch(flag)),
    }
