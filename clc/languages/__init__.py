"""Languages: their codes and names, their files, and which one a text is in.

::

    codes            BCP-47 codes and CLDR's names
    files            languages/CODE.toml in a folder of prompt files: all that is known of each
    number_tables    checks of the number words in such a file
    identification   the language that a text is written in
"""
