"""The picture of the demo: the federated curve on top of the pooled one."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from pooled import Curve

__all__ = ["draw"]


def draw(federated: Curve, pooled: Curve, file: Path) -> None:
    """Write both survival curves to a PNG file, whose folder is made if needed."""
    mpl.use("Agg")
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for curve, style in (
        (pooled, {"label": "pooled records", "color": "#b9c7d6", "linewidth": 6}),
        (federated, {"label": "federated, three stations", "color": "#9c2b2e", "linewidth": 1.6}),
    ):
        axes.step([0, *curve.times], [1, *curve.survival], where="post", **style)
    axes.axhline(0.5, color="#888888", linewidth=0.8, linestyle=":")
    axes.annotate(
        f"median {federated.median:.0f} days",
        (federated.median, 0.5),
        xytext=(8, 8),
        textcoords="offset points",
    )
    axes.set(
        title="Survival with advanced lung cancer (Kaplan-Meier)",
        xlabel="days under observation",
        ylabel="share alive",
        xlim=(0, None),
        ylim=(0, 1.02),
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
