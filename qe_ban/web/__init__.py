"""The HTTP edge: strict input, problem documents, the guard, conditional and repeatable requests, the API document."""
