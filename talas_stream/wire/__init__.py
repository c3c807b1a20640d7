"""What travels: the formats of bytes on the wire, each with its parser and its writer.

Never:       sockets, event loops, threads, clocks. Bytes go in, values come out, and the other way
             round.
"""
