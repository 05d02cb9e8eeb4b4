"""The use cases of zones: what they show, firms' demands and their course, ends with and without deletion."""
