"""The audio tower: source -> ingest -> decode -> normalise -> encode -> ring -> pace -> fan-out.

Never: imports talas_api or touches a table; what it must know of stations comes over the bus.
"""
