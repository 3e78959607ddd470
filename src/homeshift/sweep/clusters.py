# SPDX-License-Identifier: BSD-3-Clause
"""A Dask client for a sweep: of this machine, of any scheduler, or of a Slurm cluster.

The results of a sweep do not depend on the choice. Workers must see the sweep's directory and this
package under the same paths as the machine that the sweep is started on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from homeshift.errors import InputError

if TYPE_CHECKING:
    from distributed import Client


@contextmanager
def local_client(workers: int) -> Iterator[Client]:
    """Yield a client of `workers` threads here; each waits for the process of one run."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=workers, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """Yield a client of the scheduler at an address, "tcp://host:8786".

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
        yield client
