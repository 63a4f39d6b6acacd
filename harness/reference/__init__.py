"""The reference bank: retrained models and what they output."""

from harness.reference.bank import ReferenceBank, bank_key
from harness.reference.finding import (
    find_bank,
    find_bank_of_results,
    find_largest_bank,
)

__all__ = [
    "ReferenceBank",
    "bank_key",
    "find_bank",
    "find_bank_of_results",
    "find_largest_bank",
]
