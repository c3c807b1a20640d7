"""The steps audio takes, each pure: values in, values out; no socket, loop, thread or clock."""
