"""The harness's side of a sandbox: how it is chosen, started and probed."""
