"""The link between services: one port, a NATS adapter, an in-memory one."""
