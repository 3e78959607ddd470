# SPDX-License-Identifier: BSD-3-Clause
"""Do the two engines say the same?

Each number of a run is held against the other engine's, case by case (`agreement`), also in cases
that are drawn at random (`random_cases`).
"""
