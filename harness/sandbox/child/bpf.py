"""Classic BPF, as much of it as a seccomp filter needs."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

#: ``struct sock_filter``.
INSTRUCTION = struct.Struct("=HBBI")

# Codes of linux/bpf_common.h, put together: class | size or operation | mode.
LOAD_WORD = 0x20
JUMP_EQUAL = 0x15
JUMP_GREATER_OR_EQUAL = 0x35
JUMP_ANY_BIT = 0x45
AND = 0x54
RETURN = 0x06

#: Offsets in ``struct seccomp_data``.
NUMBER, ARCHITECTURE = 0, 4

#: Verdicts of linux/seccomp.h.
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000


class Instruction(NamedTuple):
    """One instruction: code, jumps if true and if false, operand."""

    code: int
    if_true: int
    if_false: int
    operand: int


def argument_low(index: int) -> int:
    """Offset of the lower 32 bits of an argument, on a little-endian machine."""
    return 16 + 8 * index


def argument_high(index: int) -> int:
    """Offset of the upper 32 bits of an argument, on a little-endian machine."""
    return argument_low(index) + 4


def load(offset: int) -> Instruction:
    """Load a word of ``struct seccomp_data``."""
    return Instruction(LOAD_WORD, 0, 0, offset)


def keep_bits(mask: int) -> Instruction:
    """Keep only some bits of the word loaded."""
    return Instruction(AND, 0, 0, mask)


def verdict(value: int) -> Instruction:
    """End the filter."""
    return Instruction(RETURN, 0, 0, value)


def refuse(error: int) -> Instruction:
    """End the filter: the call fails with an error number."""
    return verdict(ERRNO | error)


def skip_unless_equal(value: int, n: int) -> Instruction:
    """Jump over `n` instructions unless the word is `value`."""
    return Instruction(JUMP_EQUAL, 0, n, value)


def skip_if_equal(value: int, n: int) -> Instruction:
    """Jump over `n` instructions if the word is `value`."""
    return Instruction(JUMP_EQUAL, n, 0, value)


def skip_unless_any_bit(mask: int, n: int) -> Instruction:
    """Jump over `n` instructions unless the word has one of these bits."""
    return Instruction(JUMP_ANY_BIT, 0, n, mask)


def skip_if_less(value: int, n: int) -> Instruction:
    """Jump over `n` instructions if the word is less than `value`, unsigned."""
    return Instruction(JUMP_GREATER_OR_EQUAL, 0, n, value)


def assemble(program: Iterable[Instruction]) -> bytes:
    """Write a program as an array of ``struct sock_filter``."""
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in program)
