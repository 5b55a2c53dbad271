"""Source types: which sources this server can read, and with which tap (declared in TOML, without code)."""
