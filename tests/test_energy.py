# SPDX-License-Identifier: BSD-3-Clause
"""Does the energy of a migration follow from its counts by arithmetic that can be done by hand?"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import homeshift.energy
from homeshift.energy import Constant, Constants, Counts, Energy, energy_of, load_constants
from homeshift.errors import InputError

SHIPPED = Path(homeshift.energy.__file__).with_name("energy.toml")
PAGE_COPY = Counts(dram_reads=64, dram_writes=64, link_bytes=4096)


@pytest.fixture
def constants() -> Constants:
    return load_constants()


def joules(energy: Energy) -> list[float]:
    return list(energy.to_dict().values())


def test_nothing_done_costs_nothing(constants: Constants) -> None:
    assert joules(energy_of(Counts(), constants)) == [0.0] * 6


@pytest.mark.parametrize("name", list(asdict(Counts())))
def test_energy_is_the_sum_of_its_counts(constants: Constants, name: str) -> None:
    one, seven, rest = Counts(**{name: 1}), Counts(**{name: 7}), PAGE_COPY
    both = Counts(**{key: value + asdict(seven)[key] for key, value in asdict(rest).items()})
    expected = [
        7 * single + other
        for single, other in zip(
            joules(energy_of(one, constants)), joules(energy_of(rest, constants)), strict=True
        )
    ]
    assert joules(energy_of(both, constants)) == pytest.approx(expected, rel=1e-12)
    assert energy_of(one, constants).total > 0


def test_each_part_is_computed_as_by_hand(constants: Constants) -> None:
    counts = Counts(
        dram_reads=3, dram_writes=5, link_bytes=100, slc_accesses=7, directory_accesses=11
    )
    energy = energy_of(counts, constants)
    activations = (3 + 5) / 16 * 3.44e-9
    assert energy.dram == pytest.approx(3 * 512 * 5.75e-12 + 5 * 512 * 5e-12 + activations)
    assert energy.interconnect == pytest.approx(800 * 5.5e-12)
    assert energy.sram == pytest.approx(7 * 200e-12 + 11 * 20e-12)
    assert energy.total == energy.dram + energy.interconnect + energy.sram


def test_a_copied_page_costs_what_the_literature_values_give(constants: Constants) -> None:
    # One activation on each side, 5.75 and 5.00 pJ/bit for DRAM, 5.5 pJ/bit for the link: 539 nJ.
    by_hand = 32768 * (5.75 + 5.00 + 5.5) * 1e-12 + 2 * 3.44e-9
    assert by_hand == pytest.approx(539e-9, rel=0.001)
    assert energy_of(PAGE_COPY, constants).total == pytest.approx(by_hand, rel=0.05)


def test_the_range_holds_the_typical_total(constants: Constants) -> None:
    energy = energy_of(PAGE_COPY, constants)
    assert energy.total_low < energy.total < energy.total_high


def test_one_activation_for_each_line_is_the_high_end(constants: Constants) -> None:
    assert constants.activations_per_line.high == 1
    assert constants.activations_per_line.low == 1 / 64


def test_the_json_form_has_the_names_of_migration_json(constants: Constants) -> None:
    energy = energy_of(PAGE_COPY, constants)
    assert list(energy.to_dict()) == [
        "dram",
        "interconnect",
        "sram",
        "total",
        "total-low",
        "total-high",
    ]


def test_every_shipped_constant_names_its_source_and_marks_its_estimates(
    constants: Constants,
) -> None:
    for name in Constants.__dataclass_fields__:
        constant: Constant = getattr(constants, name)
        assert len(constant.source) > 10 or constant.source == "as dram-read"
    assert "stimate" in constants.slc_access.source
    assert constants.slc_access.high >= 10 * constants.slc_access.low


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="dram_reads, link_bytes"):
        Counts(dram_reads=-1, link_bytes=-1)


def test_all_faults_of_a_constants_file_are_named_at_once(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in (
        ("[link]", "[lnk]"),
        ("low = 40.0", "low = 4000.0"),
        ("low = 4.0", 'low = "4"'),
        ('unit = "nJ"', 'unit = "pJ"'),
        ("high = 11.5", "hgh = 11.5"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "energy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_constants(path)
    assert set(caught.value.faults) == {
        "lnk: no such constant (did you mean 'link'?)",
        "slc-access: must be 0 <= low <= typical <= high",
        "directory-access: low, typical and high must be finite numbers",
        'dram-activation.unit = "pJ": must be "nJ"',
        "dram-read.high: missing",
        "dram-read.hgh: no such field (did you mean 'high'?)",
    }


def test_a_file_without_constants_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("# nothing yet\n")
    with pytest.raises(InputError, match="no constant is in it"):
        load_constants(tmp_path / "mine.toml")


def test_a_file_of_ones_own_replaces_some_constants(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "[link]\nlow = 1\ntypical = 2\nhigh = 3\nunit = 'pJ/bit'\nsource = 'a data sheet'\n"
    )
    mine, shipped = load_constants(path), load_constants()
    assert mine.link.typical == 2
    assert replace(mine, link=shipped.link) == shipped
    assert mine.to_dict()["link"] == {"low": 1, "typical": 2, "high": 3}
    assert mine.to_dict().keys() == tomllib.loads(SHIPPED.read_text(encoding="utf-8")).keys()


@pytest.mark.parametrize("content", ["[link", "\x00"])
def test_a_file_that_is_not_toml_is_an_input_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "energy.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"energy\.toml"):
        load_constants(path)


@pytest.mark.parametrize("module", ["homeshift.energy", "homeshift.output"])
def test_it_needs_the_standard_library_only(module: str) -> None:
    # -I -S: no site-packages, as in a simulator's embedded Python.
    source = Path(homeshift.energy.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import {module}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
