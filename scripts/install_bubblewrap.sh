#!/bin/sh
# Install bubblewrap where that can be done without a question; say so where it cannot.
command -v bwrap >/dev/null 2>&1 && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  { apt-get update && apt-get install -y --no-install-recommends bubblewrap; } \
    >/dev/null 2>&1 && exit 0
fi
echo "bubblewrap is not installed: submissions run with weaker isolation." \
     "On Debian and Ubuntu: sudo apt-get install bubblewrap"
exit 0
