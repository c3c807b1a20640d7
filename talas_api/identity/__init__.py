"""Who somebody is here: accounts, sessions, second factors, recovery, tokens, keys, limits."""
