"""The stream service: source -> door -> ingest -> station -> codec -> output -> egress -> listener.

Never: imports talas_api, or reads a table of the database: what it must know of stations comes over
       the bus.
"""
