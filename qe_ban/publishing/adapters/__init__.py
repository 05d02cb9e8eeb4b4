"""What lies outside: the store of pictures, their files, and the pages that links lead to."""
