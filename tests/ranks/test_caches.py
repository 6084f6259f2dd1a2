"""How much cache a core has, from what Linux says of it."""

from ecsmpi.ranks import caches
import pytest

LEVELS = {
    "one core of an Intel": (
        ("1 Data 48K 0", "1 Instruction 32K 0", "2 Unified 2048K 0"),
        1024,
    ),
    "an older Intel": (("1 Data 32K 0", "2 Unified 256K 0-1", "3 Unified 16384K 0-7"), 512),
    "an AMD": (("1 Data 48K 0", "2 Unified 1024K 0", "3 Unified 32768K 0-7"), 2048),
    "an AMD of dense cores": (("2 Unified 1024K 0", "3 Unified 16384K 0-7,64-71"), 512),
    "nothing known": ((), 512),
}


@pytest.mark.parametrize("name", LEVELS)
def test_a_loop_gets_half_of_what_is_a_core_s_own(name, tmp_path, monkeypatch):
    lines, kilobytes = LEVELS[name]
    for number, line in enumerate(lines):
        index = tmp_path / "cache" / f"index{number}"
        index.mkdir(parents=True)
        for file, text in zip(("level", "type", "size", "shared_cpu_list"), line.split()):
            (index / file).write_text(f"{text}\n")
    info = tmp_path / "cpuinfo"
    info.write_text(f"vendor_id\t: {'AuthenticAMD' if 'AMD' in name else 'GenuineIntel'}\n")
    monkeypatch.setattr(caches, "CPU", tmp_path)
    monkeypatch.setattr(caches, "CPUINFO", info)
    caches.working_bytes.cache_clear()
    found = caches.working_bytes()
    caches.working_bytes.cache_clear()
    assert found == kilobytes * 1024
