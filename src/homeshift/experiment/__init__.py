# SPDX-License-Identifier: BSD-3-Clause
"""The experiment: virtual machines warm up on an engine, are watched, migrate, are watched again.

`run` is the whole of it, and what others call. `options` are those of configs/migrate.py, and
`command_line` makes an experiment of them. `planned_vms` reads what each VM is, `vm` and `frames`
say where its memory is, `host_memory` whether it can be simulated here. On the engine a
`running_vm` knows the `homes` of its regions; `migration` carries out what its strategy asks for,
`schedule` several at a time, `operation_faults` holds it against the VM, and `interruption` is how
it may end early. `summary`, `timeline` and `message_window` make the output of it.

All this runs inside gem5 too: it needs the standard library only.
"""
