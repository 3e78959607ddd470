# SPDX-License-Identifier: BSD-3-Clause
"""What can be said of runs: from output directories to tables, figures' data and pages.

`stats` reads gem5's statistics, `runs` an output directory, `sweep_note` a sweep's. `measures` are
the numbers that are compared; `selection` makes one table of runs and chooses from it, `groups`
takes means, `comparison` sets runs side by side, `crossover` asks when one overtakes another.
`traits` are what the strategies do. `display` shows numbers to people, `report` a whole sweep on
one page, with a `machine_drawing`; `given_runs` are those that a script is called with.

Nothing here knows an engine.
"""
