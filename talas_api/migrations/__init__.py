"""The schema, as numbered plain SQL, up and down; talas_core/postgres/migrate.py runs it.

A package only so that the files are installed with the program.
"""
