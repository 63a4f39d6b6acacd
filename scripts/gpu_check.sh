#!/bin/sh
# Try everything that needs a GPU, on one GPU, in nine minutes at most, without a network:
#   scripts/gpu_check.sh [--minutes 9] [--json gpu_check.json]
#                        [--track cifar10-fast --data-dir FOLDER]
# Without data, on random images of CIFAR-10's shape. Prints a table and writes JSON, both
# after each part, so that nothing is lost when it is stopped. PYTHON names the Python
# that has torch; of this package's needs, platformdirs and distributed may be missing.
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -u -m scripts.gpu_check "$@"
