"""The HTTP API and the chat: accounts, sessions, stations, rooms. It owns every table.

    REQUEST -> AUTH -> SERVICE -> STORE -> DATABASE

Each feature is a folder of the same shape: values (what comes in and goes out), service (the use
cases, and the ports they need), store (SQL), handlers (HTTP).
"""
