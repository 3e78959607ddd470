# SPDX-License-Identifier: BSD-3-Clause
"""The page of the study, from its table and a template.

    page = render(template, Study.read("docs/study.csv"))        # docs/study.md

Numbers and tables of the template are expressions over the study's table, so that no number of the
page is typed by hand.
"""

from __future__ import annotations

import re
import textwrap

from homeshift.analysis.display import format_number
from homeshift.errors import InputError
from homeshift.study.data import Study
from homeshift.study.tables import names

_WIDTH = 118


def render(template: str, study: Study) -> str:
    """Return a page: every `{{ expression }}` of the template becomes its value.

    Raises:
        InputError: with every expression that has no value.
    """
    known = names(study)
    faults = []

    def value(match: re.Match[str]) -> str:
        expression = " ".join(match[1].split())
        try:
            found = eval(expression, {"__builtins__": {}}, known)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is told
            faults.append(f"{expression}: {type(error).__name__}: {error}")
            return ""
        return found if isinstance(found, str) else format_number(found)

    page = re.sub(r"\{\{(.*?)\}\}", value, template, flags=re.DOTALL)
    if faults:
        raise InputError("the template of the study", faults)
    return "\n\n".join(map(_reflowed, page.split("\n\n")))


def _reflowed(paragraph: str) -> str:
    """Return prose in lines of equal length, after its expressions have got their values."""
    if paragraph.startswith(("|", "#", "!", "<", "    ")):
        return paragraph
    indent = "  " if paragraph.startswith("  ") else ""
    items = re.split(r"\n(?=- )", paragraph.rstrip("\n"))
    end = "\n" if paragraph.endswith("\n") else ""
    lines = [
        textwrap.fill(
            " ".join(item.split()),
            _WIDTH,
            initial_indent=indent,
            subsequent_indent="  " if item.startswith("- ") else indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    ]
    return "\n".join(lines) + end
