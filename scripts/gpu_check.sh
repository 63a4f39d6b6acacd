#!/bin/sh
# Try everything that needs a GPU, on one GPU, in ten minutes at most, without a network:
#   scripts/gpu_check.sh [--track FILE --data-dir FOLDER] [--json gpu_check.json]
# Without data, on random images of CIFAR-10's shape. Prints a table and writes JSON.
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -m scripts.gpu_check "$@"
