#!/usr/bin/env bash
# pytest 9.2.0 with --import-mode=importlib: a test folder with an __init__.py in a `tests/` without one is entered in
# sys.modules under its bare name. So tests/packaging/ hides the library `packaging` from everything imported later, though
# this mode is there to leave sys.path alone and to keep test modules apart.
# Seen: `import packaging.version` in the test raises ModuleNotFoundError; without the __init__.py it works.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pytest==9.2.0
mkdir -p "$work/project/tests/packaging"
touch "$work/project/tests/packaging/__init__.py"
printf 'def test_library():\n    import packaging.version\n' > "$work/project/tests/packaging/test_it.py"
cd "$work/project"
run() { "$work/venv/bin/python" -m pytest -q -p no:cacheprovider --import-mode=importlib tests 2>&1 || true; }
with=$(run)
rm tests/packaging/__init__.py
without=$(run)
grep -E "ModuleNotFoundError|passed" <<<"$with" | head -1; grep -E "passed|failed" <<<"$without" | tail -1
grep -q "ModuleNotFoundError" <<<"$with" && grep -q "1 passed" <<<"$without" || { echo "changed"; exit 1; }
echo "as described"
