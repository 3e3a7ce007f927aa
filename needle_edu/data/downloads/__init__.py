"""Data sets by name: fetched once, checked against their publisher's digest, kept, and opened.

`download("fashion-mnist")` gives the folder with the files as they were published, `load("fashion-mnist", train=True)`
the data set. `registry` says where each file comes from. With the environment variable `NEEDLE_EDU_DATA` set to a
folder, nothing is downloaded: the files are taken from its subfolders, one per name.
"""

from .fetch import at_hand, download
from .opening import load
from .registry import EMBEDDED, NAMES

__all__ = ["EMBEDDED", "NAMES", "at_hand", "download", "load"]
