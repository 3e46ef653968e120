"""The operations of the shim, written once for both worlds."""
