"""How often one may ask.

The limited routes are wrapped when the table of routes is built: no service and no handler calls
anything here, but for the codes of second factors, which count once the password was right. A
sign-in that is answered 401 counts as a failure, one that is answered 2xx does not; see
values.RULES.
"""
