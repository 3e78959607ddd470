# SPDX-License-Identifier: BSD-3-Clause
"""The study of the patent's claims.

From its sweeps to docs/study.csv (`data`), to what can be said of it (`tables`), to docs/study.md
(`page`).
"""
