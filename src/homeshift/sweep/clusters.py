# SPDX-License-Identifier: BSD-3-Clause
"""Who makes the runs of a sweep: workers on this machine, or of any Dask scheduler.

`slurm` has workers that are Slurm jobs.

The results of a sweep do not depend on the choice. Workers must see the sweep's directory and this
package under the same paths as the machine that the sweep is started on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeshift.errors import InputError

if TYPE_CHECKING:
    from distributed import Client


def _nothing_to_do(left: int) -> None:
    """Look after workers that others look after."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers: a Dask client of them, and what is to be called now and then while they work.

    `look_after` is given the number of runs that are not made yet. It raises a HomeshiftError if
    they will not be made.
    """

    client: Client
    look_after: Callable[[int], None] = _nothing_to_do


@contextmanager
def local_workers(workers: int) -> Iterator[Workers]:
    """Yield `workers` threads here; each waits for the process of one run."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=workers, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield Workers(client)


@contextmanager
def remote_workers(address: str) -> Iterator[Workers]:
    """Yield the workers of the scheduler at an address, "tcp://host:8786".

    Raises:
        InputError: nobody answers there.
    """
    from distributed import Client

    # If the scheduler dies, the sweep tells it in a sentence; this would be a page of traceback.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout="5s")
    except (OSError, ValueError) as error:
        raise InputError(f"scheduler '{address}'", [f"cannot be reached: {error}"]) from error
    with client:
        yield Workers(client)
