# SPDX-License-Identifier: BSD-3-Clause
"""Homeshift: move a virtual machine by moving who controls its memory."""

__version__ = "0.1.0"
