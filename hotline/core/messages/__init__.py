"""What officers say: field types, templates, statements and their rendering.

Pure: imports only hotline.core and pydantic.
"""
