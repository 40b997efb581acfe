"""Protocols: ways to judge methods and to choose models, a file each.

A file returns a :class:`~fourfold.study.protocols.protocol.Protocol` for one kind of question, and
refuses data that cannot be judged; what is trained does not belong here.
"""
