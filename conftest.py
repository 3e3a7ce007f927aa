"""For pytest: the package is imported as a whole first, so that the doctests of one folder run alone as well."""

import needle_edu  # noqa: F401
