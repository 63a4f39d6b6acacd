#!/bin/sh
# Install what pages are tested with: Chromium, its driver and axe-core. Fail where that
# cannot be done, so that CI does not skip the tests of pages and call it well.
python=.venv/bin/python
missing=""
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
  { command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] &&
    { apt-get update && apt-get install -y --no-install-recommends chromium; } \
      >/dev/null 2>&1; } ||
  missing="Chromium (on Debian: sudo apt-get install chromium)"
PIP_CONSTRAINT=constraints.txt $python -m pip install --quiet \
  --disable-pip-version-check --editable '.[browser]' ||
  missing="$missing playwright"
npm install --silent --no-save --no-audit --no-fund --prefix .venv/browser \
  axe-core@4.14.1 >/dev/null 2>&1 || missing="$missing axe-core (npm)"
[ -z "$missing" ] || {
  echo "Not installed, so that pages are not tested in a browser: $missing" >&2
  exit 1
}
