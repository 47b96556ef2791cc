"""Volumes as the makers of OCT devices store them.

None of these formats is published; what is known comes from people who worked it out from files,
named where it is used. So the files are parsed in a process of their own (``process.py`` starts
``child.py``), with limits of time and memory, by readers that check every size before they believe
it: ``parse.py`` picks one. Nothing that identifies a person is decoded, logged or handed on.
"""
