"""Names that leave the code: other programs, stored rows and other machines know them, so no rename may change one."""
