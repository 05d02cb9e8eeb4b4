"""Files of rows: CSV and XLSX, read as what nobody is trusted about and written for people."""
