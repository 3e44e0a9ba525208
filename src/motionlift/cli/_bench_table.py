"""The table that `motionlift bench` prints."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def show_table(gemm: Mapping[str, float], results: Sequence[Mapping[str, Any]]) -> None:
    """Print what was measured."""
    # Piped into a log, a table keeps its columns.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    rates = ", ".join(f"{name} {1000 * rate:.0f} GFLOP/s" for name, rate in gemm.items())
    console.print(f"matrix product at the network's shape: {rates}")
    table = Table("measurement", "precision")
    for title in ("seconds", "a second", "of GEMM", "peak MB", "fp32 twin", "bf16 twin"):
        table.add_column(title, justify="right")
    for row in results:
        table.add_row(
            row["name"],
            row["precision"],
            f"{row['seconds']:.3f}",
            f"{row['per_second']:.1f}",
            _or_dash(row["gemm_fraction"], "{:.0%}"),
            f"{row['peak_mb']:.0f}",
            _or_dash(row["ratio_to_fp32_twin"], "{:.2f} x"),
            _or_dash(row["ratio_to_bf16_twin"], "{:.2f} x"),
        )
    console.print(table)


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
