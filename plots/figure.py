# SPDX-License-Identifier: BSD-3-Clause
"""What the figure scripts share: widths, colours, the command line, and files that repeat.

A script has `figure_data(runs)`, which returns what is shown as a table in SI units, and
`draw(data, columns=...)`, which shows it. Equal data gives equal files: PNG, PDF and CSV.
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeshift.analysis.given_runs import add_runs, read_runs
from homeshift.analysis.traits import BUILT_IN, Traits
from homeshift.errors import HomeshiftError, InputError
from homeshift.front_end import script_parser
from homeshift.output_file import output_file, output_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from homeshift.analysis.runs import Run

STYLE = Path(__file__).with_name("homeshift.mplstyle")
WIDTHS = {1: 3.5, 2: 7.16}
"""Inches of one and two columns of a paper, as in IEEE's and ACM's templates."""
NOTES = "notes"
"""Key of a table's `attrs`: sentences on what it leaves out, which are told as warnings."""
CAPTION = "caption"
"""Key of a table's `attrs`: sentences that stand below its figure."""

# Without a date, the same data gives the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None},
}
# Okabe and Ito's eight colours, grey, a dark red of Tol's, and two of his for what moves memory
# under a VM; a second sign (dashes, marker) for print without colours. Solid lines are strategies
# that move homes.
_LOOKS = {
    "stop-and-copy": ("#000000", (0, (1, 1)), "o"),
    "pre-copy": ("#E69F00", (0, (4, 1.5)), "s"),
    "post-copy": ("#D55E00", (0, (4, 1.5, 1, 1.5)), "^"),
    "hybrid": ("#CC79A7", (0, (2.5, 1)), "v"),
    "ignore-shared": ("#A59C00", (0, (6, 1, 1, 1, 1, 1)), "P"),
    "static-homes": ("#666666", (0, (5, 2, 1, 2)), "d"),
    "static-homes+pull": ("#994455", (0, (3, 1, 1, 1)), "+"),
    "ownership": ("#0072B2", "-", "D"),
    "ownership+copy": ("#56B4E9", "-", "X"),
    "ownership+pull": ("#009E73", "-", "*"),
    "borrow": ("#44AA99", "-", "H"),
    "return": ("#DDCC77", "-", "x"),
}
# Six of Tol's muted colours, and markers that no strategy above has.
_OTHER_LOOKS = (
    ("#882255", "<"),
    ("#117733", ">"),
    ("#332288", "p"),
    ("#AA4499", "h"),
    ("#999933", "1"),
    ("#661100", "8"),
)
_OTHER_DASHES = (
    *((0, (1, 2)), (0, (5, 1, 1, 1)), (0, (2, 1))),
    *((0, (7, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1, 4, 1))),
)
# What tells the parameters of one strategy apart, beside shades of its colour.
_DASHES = ("-", (0, (4, 1)), (0, (1, 1)), (0, (6, 1, 1, 1)), (0, (2, 2)), (0, (3, 1, 1, 1, 1, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "X", "P", "*")


@dataclass(frozen=True, slots=True)
class Look:
    """How a strategy is drawn in every figure."""

    colour: str
    dashes: object
    marker: str

    def line(self, place: int) -> dict[str, Any]:
        """Return how a line of many points is drawn; a solid one has its marker here and there.

        Args:
            place: among the lines of the figure, so that markers of two are not on each other.
        """
        style: dict[str, Any] = {"color": self.colour, "linestyle": self.dashes}
        if self.dashes == "-":
            style |= {"marker": self.marker, "markersize": 3, "markevery": (place % 5 / 50, 0.1)}
        else:
            style["zorder"] = 2.1  # seen on a solid line
        return style

    @property
    def points(self) -> dict[str, Any]:
        """How a line is drawn that joins a few points."""
        shape = {"marker": self.marker, "markersize": 2.8}
        return {"color": self.colour, "linestyle": self.dashes, **shape}


def strategy_of(label: str) -> str:
    """Return the strategy of a label, which may also have its parameters and more."""
    return label.partition(":")[0].partition(" ")[0]


def traits_of(label: str) -> Traits | None:
    """Return what one of Homeshift's own strategies does; None for any other."""
    return BUILT_IN.get(strategy_of(label))


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """Return how each strategy of a figure is drawn.

    Others than Homeshift's own get those of `_OTHER_LOOKS` in the order of their names, so that
    each looks alike in all figures of the same strategies. Several of one name, with different
    parameters, share its colour, in shades from dark to light.
    """
    families: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        families.setdefault(strategy_of(label), []).append(label)
    other = itertools.cycle(zip(_OTHER_LOOKS, _OTHER_DASHES, strict=True))
    others = dict(zip(sorted(set(families) - set(BUILT_IN)), other, strict=False))
    found = {}
    for name, own in families.items():
        own.sort(key=_natural)
        if name in BUILT_IN:
            colour, dashes, marker = _LOOKS[name]
        else:
            (colour, marker), dashes = others[name]
        if len(own) == 1:
            found[own[0]] = Look(colour, dashes, marker)
            continue
        for place, label in enumerate(own):
            shade = _shade(colour, 0.45 * (2 * place / (len(own) - 1) - 1))
            dashes, marker = _DASHES[place % len(_DASHES)], _MARKERS[place % len(_MARKERS)]
            found[label] = Look(shade, dashes, marker)
    return found


def _natural(label: str) -> list[tuple[float, str]]:
    """Return what sorts labels by the numbers in them."""
    parts = re.split(r"(\d+(?:\.\d+)?)", label)
    return [(float(part), "") if place % 2 else (0.0, part) for place, part in enumerate(parts)]


def _shade(colour: str, part: float) -> str:
    """Return a colour moved towards white by a part, or, if that is below 0, towards black."""
    end = 255 if part > 0 else 0
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(own + (end - own) * abs(part)):02X}" for own in parts)


def legend(figure: Figure, *, columns: int) -> int:
    """Put one legend above all panels, with each label that one has; return its lines."""
    found: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return 0
    labels = [wrapped(label, int((WIDTHS[columns] - 0.45) / 0.06)) for label in found]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    beside = min(4, max(1, int(WIDTHS[columns] / (0.45 + 0.06 * longest))))
    figure.legend(
        list(found.values()),
        labels,
        loc="outside upper left",
        ncols=beside,
        frameon=False,
        handlelength=2.4,
    )
    return -(-len(found) // beside) * max(map(lines_of, labels))


def wrapped(label: str, width: int) -> str:
    """Return the name of a run in lines of so many letters, broken between its parameters."""
    spaced = re.sub("([,:])", r"\1 ", label)
    too_long = any(len(part) > width for part in spaced.split())
    lines = textwrap.wrap(spaced, width, break_on_hyphens=too_long)
    return "\n".join(re.sub("([,:]) ", r"\1", line) for line in lines)


def lines_of(text: str) -> int:
    """Return the number of lines of a text."""
    return text.count("\n") + 1


def caption(figure: Figure, sentences: Iterable[str], *, columns: int) -> int:
    """Put sentences below all panels, and return their number of lines."""
    width = int(21 * WIDTHS[columns])  # letters
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
    if lines:
        figure.supxlabel("\n".join(lines), fontsize=6)
    return len(lines)


def script(
    file: str,
    doc: str | None,
    figure_data: Callable[[Sequence[Run]], pd.DataFrame],
    draw: Callable[..., Figure],
    *,
    columns: int = 1,
) -> Callable[[Sequence[str] | None], int]:
    """Return the `main` of a figure script that reads runs.

    Args:
        file: of the script; what it writes has the same name.
        doc: of the script.
        figure_data: from runs to what is shown.
        draw: from that to a figure; takes `columns`.
        columns: width in columns of a paper, if the user does not say.
    """

    def main(argv: Sequence[str] | None = None) -> int:
        parser = arguments(file, doc, columns=columns)
        add_runs(parser)

        def data(options: argparse.Namespace) -> pd.DataFrame:
            return figure_data(read_runs(options, parser.prog))

        return run(parser, data, draw, argv)

    return main


def run(
    parser: argparse.ArgumentParser,
    figure_data: Callable[[argparse.Namespace], pd.DataFrame],
    draw: Callable[..., Figure],
    argv: Sequence[str] | None,
) -> int:
    """Draw the figure that a command line asks for; return the exit status.

    Args:
        parser: of `arguments`, and what else the script takes.
        figure_data: from the options to what is shown, and `NOTES` on it.
        draw: from that to a figure; takes `columns`.
        argv: the command line, by default the process's own.
    """
    options = parser.parse_args(argv)
    name = parser.prog.removesuffix(".py")
    try:
        data = figure_data(options)
        for note in data.attrs.get(NOTES, ()):
            print(f"{parser.prog}: warning: {note}", file=sys.stderr)
        for path in save(
            lambda: draw(data, columns=options.columns), data, options.outdir, name=name
        ):
            print(path, flush=True)
    except (HomeshiftError, OSError) as error:  # OSError: of what is printed
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return error.exit_status if isinstance(error, HomeshiftError) else 1
    return 0


def arguments(file: str, doc: str | None, *, columns: int) -> argparse.ArgumentParser:
    """Return a parser with the options of all figure scripts."""
    parser = script_parser(file, doc)
    parser.add_argument(
        "-o", "--outdir", type=Path, required=True, metavar="DIR", help="of the figure"
    )
    parser.add_argument(
        "--columns",
        type=int,
        choices=sorted(WIDTHS),
        default=columns,
        help="width of the figure in columns of a paper (default: %(default)s)",
    )
    return parser


def save(
    draw: Callable[[], Figure], data: pd.DataFrame, directory: Path, *, name: str
) -> list[Path]:
    """Write a figure and its data into `directory`; return the paths."""
    import matplotlib as mpl

    # Into memory first: matplotlib tells a full disk as errors of its own.
    contents = {}
    with mpl.rc_context(fname=STYLE):
        figure = draw()
        for suffix, metadata in _METADATA.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=suffix, metadata=metadata)
            contents[directory / f"{name}.{suffix}"] = buffer.getvalue()
    table = data.to_csv(index=False, lineterminator="\n")
    contents[directory / f"{name}.csv"] = table.encode()
    with output_folder(directory), ExitStack() as files:  # all of them, or none
        for path, content in contents.items():
            files.enter_context(output_file(path)).write_bytes(content)
    return list(contents)


_ENDINGS = ("arguments.cancel-at", "arguments.fail-target-at")


def one_of_each(runs: Iterable[Run]) -> list[tuple[str, Run]]:
    """Return a label and a run for each strategy, for figures over time.

    All with the same seed if there is one that all have, else the first of each. The label of a
    migration that did not complete says so.

    Raises:
        InputError: the runs differ in more than strategy and seed.
    """
    from homeshift.analysis.groups import condition_columns
    from homeshift.analysis.remarks import with_status
    from homeshift.analysis.selection import run_table

    runs = list(runs)
    table = run_table(runs)
    labels = [
        with_status(str(name), run) for name, run in zip(table["strategy"], runs, strict=True)
    ]
    ended = table.assign(label=labels).groupby("label")[list(_ENDINGS)].nunique(dropna=False)
    # What the label tells, as that one was cancelled beside one that was not. It goes first: what
    # differs with it would be taken for a part of it.
    told = [
        name
        for name in map(str, table)
        if name == "arguments.strategy"
        or name.startswith("strategy.")
        or (name in _ENDINGS and not (ended[name] > 1).any())
    ]
    conditions = condition_columns(table.drop(columns=told).assign(all=""), ["all"])
    if conditions:
        names = ", ".join(name.removeprefix("arguments.") for name in conditions)
        fault = f"the runs differ in {names}; choose one value of each by --where NAME=VALUE"
        raise InputError("list of runs", [fault])
    found: dict[str, dict[object, Run]] = {}  # label -> seed -> run
    for label, run in zip(labels, runs, strict=True):
        found.setdefault(label, {}).setdefault(run.seed, run)
    first, *others = found.values()
    common = [seed for seed in first if all(seed in other for other in others)]
    each = {
        label: own[common[0]] if common else next(iter(own.values()))
        for label, own in found.items()
    }
    return sorted(each.items(), key=lambda item: order(item[0]))


def seeds_shown(each: Iterable[tuple[str, Run]], runs: Iterable[Run]) -> list[str]:
    """Return a line of a caption on which seed `one_of_each` has chosen, if there are several."""
    seeds = {run.seed for run in runs}
    shown = {run.seed for _, run in each}
    if len(seeds) == 1:
        return []
    if len(shown) > 1:
        return ["strategies have different seeds: no seed has a run of each"]
    return [f"seed {shown.pop()} of {len(seeds)} seeds is shown"]


def speed_before(run: Run) -> float:
    """Return the accesses a second before the migration, to which a figure compares.

    Raises:
        InputError: the run has no time before the migration, or no access in it.
    """
    speed = run.migration["vm"]["accesses-per-microsecond"]["before"]
    if not speed:
        fault = "no access before the migration to compare with; make it with a longer --window"
        raise InputError(f"run '{run.path}'", [fault])
    return float(speed) * 1e6


def order(label: str) -> tuple[int, list[tuple[float, str]]]:
    """Return what sorts strategies: first those of the documentation, each by its parameters."""
    names, name = list(BUILT_IN), strategy_of(label)
    return names.index(name) if name in names else len(names), _natural(label)


def shown(unit: str) -> str:
    """Return a unit as it is printed: a true micro sign."""
    return unit.replace("u", "\N{MICRO SIGN}")
