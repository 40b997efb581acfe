"""Protocols: one file a way to judge methods and to choose models, by what the data allow.

A file returns a :class:`~fourfold.study.protocols.protocol.Protocol` for one kind of question, and
refuses data that cannot be judged; what is trained does not belong here.
"""
