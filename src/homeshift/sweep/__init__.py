# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps: every combination of machines, workloads, strategies and parameters, as one table.

    sweep = load_sweep("configs/sweeps/smoke.toml", known=("machine", "strategy", ...))
    write_table(collect(sweep, place), place)     # one Parquet file

A run of a sweep is one process of configs/migrate.py, on the embedded engine or inside gem5, and
one output directory named after its options. So a sweep may be killed at any moment and started
again, and its results do not depend on where and in which order the runs were made.

`spec` reads the file; `place` knows what is done, and keeps others out; `execute` makes one run;
`processes` ends those under way; `clusters` gives Dask workers, `slurm` those that are Slurm jobs,
which `slurm_jobs` looks after; `table` collects the results.
"""
