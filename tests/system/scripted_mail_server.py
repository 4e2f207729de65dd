# SPDX-License-Identifier: BSD-2-Clause
"""An SMTP server that answers as it is told, byte by byte if need be, and remembers what was said.

It takes several commands at once (RFC 2920) unless told otherwise. Knows nothing of kontor."""

import socket
import threading

REPLIES = {"MAIL": "250 good", "RCPT": "250 good", "DATA": "354 go on", ".": "250 taken",
           "RSET": "250 forgotten", "QUIT": "221 bye"}


class ScriptedMailServer:
    """`replies` may be changed at any time: a word to a line, to None (close without a word), to ""
    (nothing is said any more), or to a list of such, one for each time, before it is as always."""

    def __init__(self, pipelining=True):
        self.pipelining = pipelining
        self.replies = {}
        self.slowly = False
        self.conversations = []
        self.mails = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(connection)
            said = []
            self.conversations.append(said)
            threading.Thread(target=self.talk, args=(connection, said), daemon=True).start()

    def reply_to(self, word, usual=None):
        known = self.replies.get(word)
        if isinstance(known, list):
            known = known.pop(0) if known else usual or REPLIES[word]
        elif word not in self.replies:
            known = usual or REPLIES.get(word, "500 what?")
        return known

    def talk(self, connection, said):
        lines = connection.makefile("rb")
        try:
            self.answer(connection, "220 scripted")
            self.converse(connection, lines, said)
        except OSError:
            pass
        lines.close()
        connection.close()
        if connection in self.sockets:
            self.sockets.remove(connection)

    def answer(self, connection, text):
        data = text.encode() + b"\r\n"
        for part in ([data[i:i + 1] for i in range(len(data))] if self.slowly else [data]):
            connection.sendall(part)

    def converse(self, connection, lines, said):
        refused = None  # what comes after a refusal is refused as well
        while line := lines.readline():
            word = line.split()[0].decode().upper()
            if word == "EHLO":
                self.answer(connection, "250-scripted\r\n" +
                            ("250-PIPELINING\r\n" if self.pipelining else "") + "250 8BITMIME")
                continue
            said.append(line.decode().rstrip("\r\n"))
            if word in ("MAIL", "RSET"):
                refused = None
            reply = self.reply_to(word, refused if word in ("RCPT", "DATA") else None)
            if reply == "":
                while lines.readline():
                    pass
            if not reply:
                return
            self.answer(connection, reply)
            if word in ("MAIL", "RCPT") and reply[0] != "2":
                refused = "503 after that nothing goes"
            if word == "DATA" and reply.startswith("354"):
                reply = self.take(lines, said)
                if reply is None:
                    return
                self.answer(connection, reply)
            if word == "QUIT" or reply.startswith("421"):
                return

    def take(self, lines, said):
        """A mail, without the dots that are added on the way."""
        content = []
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return None
            content.append(line.removeprefix(b"."))
        said.append(f"{len(content)} lines")
        reply = self.reply_to(".")
        if reply and reply.startswith("250"):
            self.mails.append(b"".join(content))
        return reply

    def close_connections(self):
        """As a server does with those that say nothing for long."""
        for connection in self.sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets.clear()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        self.close_connections()
