"""The sample's halls and zones: what they show, the local apps and places that they name, and pictures for them."""
