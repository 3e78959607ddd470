# SPDX-License-Identifier: BSD-3-Clause
"""A Dask client whose workers are Slurm jobs. The only module that needs dask-jobqueue.

What a site needs (partition, account, memory, time) is said in dask-jobqueue's own configuration
file, ~/.config/dask/jobqueue.yaml, section `jobqueue.slurm`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from homeshift.errors import InputError

if TYPE_CHECKING:
    from distributed import Client


@contextmanager
def slurm_client(jobs: int) -> Iterator[Client]:
    """Yield a client of a cluster of `jobs` Slurm jobs, as configured for the site.

    Raises:
        InputError: dask-jobqueue is not installed, or not configured.
    """
    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError as error:
        fault = "needs dask-jobqueue: pip install 'homeshift[slurm]'"
        raise InputError("option --slurm", [fault]) from error
    from distributed import Client

    try:
        cluster = SLURMCluster()
    except (TypeError, ValueError) as error:
        fault = f"~/.config/dask/jobqueue.yaml does not say enough: {error}"
        raise InputError("option --slurm", [fault]) from error
    with cluster, Client(cluster) as client:
        cluster.scale(jobs=jobs)
        yield client
