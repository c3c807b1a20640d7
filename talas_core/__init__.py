"""The ground both towers stand on: settings, errors, supervision, database, bus, web, telemetry.

Never: knows what audio or chat is; imports talas_api or talas_stream.
"""
