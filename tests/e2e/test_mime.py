"""Odd MIME messages (Python's own e-mail test data) pass byte for byte, but for promise 8."""
import pathlib
import re
import smtplib
import unittest

from harness import PATIENCE, Relay, Sink, smtp_upstream

SAMPLES = pathlib.Path("/usr/lib/python3.11/test/test_email/data")
REMOVED = re.compile(rb"^(bcc|resent-bcc|return-path|content-length|x-postrider-[^:]*):", re.I)


def as_crlf(octets: bytes) -> bytes:
    text = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def split_header(message: bytes):
    """Fields with their folding, and what follows them. A line that is no field ends the header as a blank line does."""
    fields, position = [], 0
    while position < len(message):
        end = message.index(b"\r\n", position) + 2
        line = message[position:end]
        if line == b"\r\n":
            return fields, message[position:]
        if fields and line[:1] in b" \t":
            fields[-1] += line
        elif re.match(rb"[!-9;-~]+[ \t]*:", line):
            fields.append(line)
        else:
            return fields, message[position:]
        position = end
    return fields, b""


class OddMessages(unittest.TestCase):
    def test_every_sample(self):
        samples = sorted(SAMPLES.glob("msg_*.txt"))
        self.assertGreaterEqual(len(samples), 40, "libpython3.11-testsuite is missing")
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            for number, sample in enumerate(samples, 1):
                sent = as_crlf(sample.read_bytes())
                with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                    client.sendmail("app@example.test", "user@example.test", sent)
                got = sink.wait_count(number)[-1].data
                with self.subTest(sample.name):
                    self.check(sent, got)

    def check(self, sent: bytes, got: bytes):
        if sent.startswith(b"From "):  # the first line of a mailbox file is no header field, the relay drops it
            sent = sent[sent.index(b"\r\n") + 2 :]
        want_fields, want_rest = split_header(sent)
        got_fields, got_rest = split_header(got)
        self.assertTrue(got_fields[0].startswith(b"Received: "))
        kept = [f for f in want_fields if not REMOVED.match(f)]
        added = [f for f in got_fields[1:] if f not in kept]
        for field in added:
            name = field.split(b":")[0].lower()
            self.assertIn(name, (b"date", b"message-id"))
            self.assertFalse([f for f in kept if f.lower().startswith(name + b":")], "added although it was there")
        self.assertEqual([f for f in got_fields[1:] if f not in added], kept)
        # Where the sample's header ends without a blank line the relay must put one before what follows.
        self.assertIn(got_rest, (want_rest, b"\r\n" + want_rest))


if __name__ == "__main__":
    unittest.main()
