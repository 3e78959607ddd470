# SPDX-License-Identifier: BSD-3-Clause
"""A model checker for SLICC protocols: every reachable state of a small machine.

    python -m homeshift.check --nodes 3 --lines 1

The controllers are those that `homeshift.slicc` emits for the engine; src/checker/ puts a machine
without time around them, and searches. A scenario file says what the machine is made of, what may
happen to it, and what has to hold. docs/checker.md describes all of it.
"""
