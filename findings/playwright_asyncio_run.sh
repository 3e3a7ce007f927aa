#!/usr/bin/env bash
# playwright 1.61.0: while `sync_playwright()` is open, an asyncio loop counts as running in that thread, so every
# asyncio.run of ordinary synchronous code in it is refused. A session-wide browser fixture therefore breaks unrelated
# tests that share the process, and only in some orders. (No browser is needed to see it.)
# Seen: RuntimeError "asyncio.run() cannot be called from a running event loop" inside the block, none after it.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check playwright==1.61.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import sys

from playwright.sync_api import sync_playwright


async def nothing():
    return "fine"


with sync_playwright():
    try:
        sys.exit(f"changed: {asyncio.run(nothing())} inside the block")
    except RuntimeError as error:
        print("inside:", error)
print("after:", asyncio.run(nothing()))
PYTHON
echo "as described"
