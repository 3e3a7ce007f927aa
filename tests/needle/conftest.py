"""The files in `course/` import `needle`: they run only through as_needle, in a folder of their own."""

collect_ignore = ["course"]
