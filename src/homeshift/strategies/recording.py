# SPDX-License-Identifier: BSD-3-Clause
"""What is recorded of a strategy object: runs with different ones must be told apart afterwards.

Its public attributes are, if JSON can hold them: numbers (numpy's as well), texts, None, and lists
and dicts of these. One that cannot be is refused before a run, or two runs would look the same and
be averaged. What begins with "_" is the strategy's own affair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Raises:
        TypeError: it cannot.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(inner) for key, inner in value.items()}
    # numpy's bool_ is registered as no number, and there is no numpy inside gem5 to ask.
    if str(getattr(value, "dtype", "")) == "bool" and getattr(value, "ndim", None) == 0:
        return bool(value)
    raise TypeError("neither a number nor a text, nor a list or dict of these")


def recorded(strategy: object) -> dict[str, Any]:
    """Return an object's attributes as config.json has them."""
    return _attributes(strategy)[0]


def faults_of_attributes(strategy: object) -> list[str]:
    """Return which of an object's attributes cannot be recorded."""
    return [
        f"the attribute {name} is of type {kind.__name__} and cannot be recorded with a run, as "
        f"numbers, texts, and lists and dicts of them can: keep one of these, or call it _{name} "
        f"if runs with others may look the same"
        for name, kind in _attributes(strategy)[1].items()
    ]


def _attributes(strategy: object) -> tuple[dict[str, Any], dict[str, type]]:
    """Return the public attributes that JSON can hold, and the types of all others."""
    slots = [vars(kind).get("__slots__", ()) for kind in type(strategy).__mro__]
    names = [n for some in slots for n in ([some] if isinstance(some, str) else some)]
    own = {name: getattr(strategy, name) for name in names if hasattr(strategy, name)}
    held: dict[str, Any] = {}
    others: dict[str, type] = {}
    for name, value in {**own, **getattr(strategy, "__dict__", {})}.items():
        if not name.startswith("_"):
            try:
                held[name.replace("_", "-")] = plain(value)
            except (TypeError, RecursionError):
                others[name] = type(value)
    return held, others
