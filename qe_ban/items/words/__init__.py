"""What texts are found by, characters, words and sounds: made once per wording when written, cut out of queries.

Pure: no database. jieba and pypinyin are imported by whoever publishes, never by a query.
"""
