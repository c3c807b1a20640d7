"""The filter of system calls, for machines that the tests do not run on too."""

import struct

import pytest

from talas_stream.codec.syscalls import MACHINES, Machine, program

ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050001, 0x80000000
PROCESS = 4321


def answer(steps: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the kernel would do: the program run on a struct seccomp_data."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", number, arch, 0, *padded)
    program = list(struct.iter_unpack("=HBBI", steps))
    at, value = 0, 0
    while True:
        code, true, false, operand = program[at]
        at += 1
        match code:
            case 0x20:
                value = struct.unpack_from("<I", data, operand)[0]
            case 0x15:
                at += true if value == operand else false
            case 0x45:
                at += true if value & operand else false
            case 0x06:
                return operand
            case _:
                pytest.fail(f"no such step: {code}")


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_listed_calls_pass_and_all_others_fail(machine: Machine) -> None:
    steps = program(machine, PROCESS)
    free = set(machine.free.values())
    guarded = {*machine.mapping.values(), machine.affinity, machine.signal}
    assert not free & guarded
    for number in range(600):
        if number not in guarded:
            expected = ALLOW if number in free else FAIL
            assert answer(steps, machine.arch, number) == expected
    assert answer(steps, machine.arch ^ 1, 0) == KILL, "the numbering of another machine"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_guarded_calls_pass_for_the_process_itself_and_without_executable_memory(
    machine: Machine,
) -> None:
    steps = program(machine, PROCESS)

    def of(number: int, *arguments: int) -> int:
        return answer(steps, machine.arch, number, *arguments)

    for number in machine.mapping.values():
        assert of(number, 0, 4096, 3) == ALLOW
        assert of(number, 0, 4096, 5) == FAIL
    assert of(machine.affinity, 0) == ALLOW
    assert of(machine.affinity, 1) == FAIL
    assert of(machine.signal, PROCESS, PROCESS, 6) == ALLOW
    assert of(machine.signal, PROCESS + 1, PROCESS, 9) == FAIL
