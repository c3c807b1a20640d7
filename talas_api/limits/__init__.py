"""How often one may ask.

The limited routes are wrapped when the table of routes is built: no service and no handler calls
anything here. A sign-in that is answered 401 counts as a failure, one that is answered 2xx does
not; see values.RULES.
"""
