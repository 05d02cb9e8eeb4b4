"""Every key ring: wrapping under the master key, rotation, sealing keys, column encryption, blind indexes."""
