"""The Import API gateway: authenticate, bound the bytes, check the shape, store durably, answer."""
