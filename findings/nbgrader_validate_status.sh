#!/usr/bin/env bash
# nbgrader 0.9.6: `nbgrader validate` ends with exit status 0 although a test cell raises AssertionError.
# A validating command in a script is expected to fail; this one has to be read.
# Seen: "VALIDATION FAILED ON 1 CELL(S)!" and status 0.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check nbgrader==0.9.6
cat > "$work/red.ipynb" <<'NOTEBOOK'
{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "outputs": [], "source": "assert 1 == 2",
 "metadata": {"nbgrader": {"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false,
 "points": 1, "grade_id": "t", "cell_type": "code"}}}],
 "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
 "nbformat": 4, "nbformat_minor": 5}
NOTEBOOK
cd "$work"
status=0
said=$(PATH="$work/venv/bin:$PATH" nbgrader validate red.ipynb 2>/dev/null) || status=$?
echo "$said" | head -3; echo "exit status $status"
grep -q "VALIDATION FAILED" <<<"$said" && [ "$status" = 0 ] || { echo "changed"; exit 1; }
echo "as described: failed, with status 0"
