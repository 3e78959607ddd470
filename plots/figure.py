# SPDX-License-Identifier: BSD-3-Clause
"""What the figure scripts share: widths, colours, the command line, and files that repeat.

A script has `figure_data(runs)`, which returns what is shown as a table in SI units, and
`draw(data, columns=...)`, which shows it. Equal data gives equal files: PNG, PDF and CSV.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homeshift.errors import HomeshiftError, InputError
from homeshift.front_end import read_runs
from homeshift.output_file import output_file, output_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.runs import Run

STYLE = Path(__file__).with_name("homeshift.mplstyle")
WIDTHS = {1: 3.5, 2: 7.16}
"""Inches of one and two columns of a paper, as in IEEE's and ACM's templates."""
NOTES = "notes"
"""Key of a table's `attrs`: sentences on what it leaves out, which are told as warnings."""

# Without a date, the same data gives the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None},
}
# Okabe and Ito's eight colours; a second sign (dashes, marker) for print without colours. Solid
# lines are strategies that move homes.
_LOOKS = {
    "stop-and-copy": ("#000000", (0, (1, 1)), "o"),
    "pre-copy": ("#E69F00", (0, (4, 1.5)), "s"),
    "post-copy": ("#D55E00", (0, (4, 1.5, 1, 1.5)), "^"),
    "hybrid": ("#CC79A7", (0, (2.5, 1)), "v"),
    "ignore-shared": ("#A59C00", (0, (6, 1, 1, 1, 1, 1)), "P"),
    "ownership": ("#0072B2", "-", "D"),
    "ownership+copy": ("#56B4E9", "-", "X"),
    "ownership+pull": ("#009E73", "-", "*"),
}
# Six of Tol's muted colours, and markers that no strategy above has.
_OTHER_LOOKS = (
    ("#882255", "<"),
    ("#117733", ">"),
    ("#332288", "p"),
    ("#AA4499", "h"),
    ("#999933", "d"),
    ("#661100", "8"),
)
_others: list[str] = []


@dataclass(frozen=True, slots=True)
class Look:
    """How a strategy is drawn in every figure."""

    colour: str
    dashes: object
    marker: str


def _name(label: str) -> str:
    return label.partition(":")[0].partition(" ")[0]


def is_known(label: str) -> bool:
    """Return whether a strategy, with or without parameters, is one of Homeshift's."""
    return _name(label) in _LOOKS


def look(label: str) -> Look:
    """Return how a strategy is drawn; one with parameters like the same without them.

    Others than Homeshift's own look like the next of `_OTHER_LOOKS`, in the order in which they
    are asked for.
    """
    name = _name(label)
    if is_known(label):
        return Look(*_LOOKS[name])
    if name not in _others:
        _others.append(name)
    colour, marker = _OTHER_LOOKS[_others.index(name) % len(_OTHER_LOOKS)]
    return Look(colour, (0, (1, 2)), marker)


def legend(figure: Figure, axes: Axes, *, columns: int) -> None:
    """Put one legend above all panels, with the labels of `axes`."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        longest = max(len(label) for label in labels)
        beside = max(1, int(WIDTHS[columns] / (0.45 + 0.06 * longest)))
        figure.legend(
            handles,
            labels,
            loc="outside upper left",
            ncols=min(beside, 4),
            frameon=False,
            handlelength=2.4,
        )


def script(
    name: str,
    doc: str | None,
    figure_data: Callable[[Sequence[Run]], pd.DataFrame],
    draw: Callable[..., Figure],
    *,
    columns: int = 1,
) -> Callable[[Sequence[str] | None], int]:
    """Return the `main` of a figure script that reads runs.

    Args:
        name: of the files that it writes.
        doc: of the script.
        figure_data: from runs to what is shown.
        draw: from that to a figure; takes `columns`.
        columns: width in columns of a paper, if the user does not say.
    """

    def main(argv: Sequence[str] | None = None) -> int:
        parser = arguments(name, doc, columns=columns)
        parser.add_argument("runs", nargs="+", metavar="RUN", help="a run, a sweep, or a folder")

        def data(options: argparse.Namespace) -> pd.DataFrame:
            return figure_data(read_runs(options.runs, parser.prog))

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
            print(path)
    except HomeshiftError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def arguments(name: str, doc: str | None, *, columns: int) -> argparse.ArgumentParser:
    """Return a parser with the options of all figure scripts."""
    parser = argparse.ArgumentParser(
        prog=f"{name}.py", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--outdir", type=Path, required=True, metavar="DIR")
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

    paths = {suffix: directory / f"{name}.{suffix}" for suffix in ("png", "pdf", "csv")}
    with output_folder(directory), mpl.rc_context(fname=STYLE):
        figure = draw()
        for suffix, metadata in _METADATA.items():
            with output_file(paths[suffix]) as partial:
                figure.savefig(partial, format=suffix, metadata=metadata)
        with output_file(paths["csv"]) as partial:
            data.to_csv(partial, index=False, lineterminator="\n")
    return list(paths.values())


def one_of_each(runs: Iterable[Run]) -> list[tuple[str, Run]]:
    """Return a label and a run for each strategy: the first of each, for figures over time.

    Raises:
        InputError: the runs differ in more than strategy and seed.
    """
    from homeshift.groups import condition_columns
    from homeshift.selection import run_table

    runs = list(runs)
    table = run_table(runs)
    conditions = condition_columns(table, ["strategy"])
    if conditions:
        names = ", ".join(name.removeprefix("arguments.") for name in conditions)
        fault = f"the runs differ in {names}; name those of one value each"
        raise InputError("list of runs", [fault])
    found: dict[str, Run] = {}
    for label, run in zip(table["strategy"], runs, strict=True):
        found.setdefault(str(label), run)
    short = short_names(found)
    return sorted(
        ((short[label], run) for label, run in found.items()), key=lambda item: order(item[0])
    )


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


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """Return labels without their parameters, "pre-copy:max-rounds=5", where one is enough."""
    labels = list(dict.fromkeys(labels))
    plain = [label.partition(":")[0] for label in labels]
    return {
        label: name if plain.count(name) == 1 else label
        for label, name in zip(labels, plain, strict=True)
    }


def order(label: str) -> int:
    """Return the place of a strategy in legends: known ones first, as in the documentation."""
    names, name = list(_LOOKS), _name(label)
    return names.index(name) if name in names else len(names)


def shown(unit: str) -> str:
    """Return a unit as it is printed: a true micro sign."""
    return unit.replace("u", "\N{MICRO SIGN}")
