"""How the figures look: colors and line styles.

The colors are those of Okabe and Ito (2008), which people with any color vision can tell apart.
Names stand beside the marks, so that color is never the only sign.
"""

import matplotlib as mpl

COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C6D1F",
    "#6A3D9A",
    "#555555",
)
INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
Dash = str | tuple[int, tuple[int, ...]]
DASHES: tuple[Dash, ...] = ("--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
REACH = 2.5  # times the lowest mean MSE: results beyond it are not drawn to scale


def apply() -> None:
    """Set matplotlib's parameters, so that a user's own settings do not change the bytes."""
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "text.color": INK,
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "savefig.dpi": 160,
            "figure.facecolor": "white",
        }
    )
