"""Notices to senders (RFC 3461, RFC 3464), end to end: submitted by SMTP, refused by an upstream, and read as mail by the sender."""
import email
import email.policy
import itertools
import smtplib
import threading
import unittest

from harness import PATIENCE, QUEUED_AS, Postfix, Relay, Sink, smtp_upstream, wait_until

NO_DSN = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 50000000", "ENHANCEDSTATUSCODES")
REFUSAL = "550 5.1.1 No such user here"
BODY = "From: app@example.test\r\nSubject: Invoice 4711\r\nMessage-ID: <4711@example.test>\r\nDate: Sat, 31 Jan 2026 08:15:00 +0000\r\n\r\n.dots\r\nand text\r\n"


def refuse_no(stage, text):
    """An upstream that knows nobody whose name begins with `no`."""
    return REFUSAL if stage == "rcpt" and "<no" in text else None


def submit(relay, recipients, sender="app@example.test", mail_options=(), body=BODY) -> str:
    """`recipients`: address -> RCPT parameters. Answers the id."""
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        answers = [client.mail(sender, list(mail_options))]
        answers += [client.rcpt(address, list(options)) for address, options in recipients.items()]
        for code, text in answers:
            assert code == 250, (code, text)
        code, text = client.data(body)
        assert code == 250, (code, text)
        return QUEUED_AS.search(text.decode()).group(1)


class Notice:
    """A notice as Python's email package reads it."""

    def __init__(self, data: bytes):
        self.data = data
        self.mail = email.message_from_bytes(data, policy=email.policy.default)
        assert self.mail.get_content_type() == "multipart/report", self.mail.get_content_type()
        assert self.mail.get_param("report-type") == "delivery-status"
        assert not self.mail.defects, self.mail.defects
        parts = list(self.mail.iter_parts())
        self.text = parts[0].get_content().replace("\r\n", "\n")
        self.message, *self.recipients = parts[1].get_payload()
        self.returned = parts[2]

    @property
    def envid(self):
        return self.message["Original-Envelope-Id"]


def notices(sink) -> list[Notice]:
    return [Notice(m.data) for m in list(sink.received) if m.sender == ""]


def wait_notices(sink, count: int) -> list[Notice]:
    return wait_until(f"{count} notices", lambda: (lambda all: all if len(all) >= count else None)(notices(sink)))


def events(relay, message_id: str) -> list[str]:
    return [e["type"] for e in relay.message(message_id)["events"]]


def settled(relay, sink):
    """Returns when everything owed so far was written and delivered: the writer goes through the debts in the order of ids."""
    last = submit(relay, {"no-last@example.test": ["NOTIFY=FAILURE"]}, mail_options=["ENVID=last"])
    wait_until("the last notice", lambda: any(n.envid == "last" for n in notices(sink)))
    relay.wait_idle()
    return last


class Matrix(unittest.TestCase):
    NOTIFY = (None, "NEVER", "FAILURE", "SUCCESS", "DELAY", "SUCCESS,FAILURE", "FAILURE,DELAY", "SUCCESS,DELAY", "SUCCESS,FAILURE,DELAY")
    RET = (None, "HDRS", "FULL")
    ORCPT = (None, "rfc822;first+2Bhand@example.org")

    def run_matrix(self, extensions):
        """Sends every combination twice, to a recipient that is refused and to one that is taken; answers what came back."""
        cases = list(itertools.product(("no", "yes"), self.NOTIFY, self.RET, self.ORCPT))
        with Sink(refuse_no, extensions) as sink, Relay(smtp_upstream(sink.port)) as relay:
            for number, (who, notify, ret, orcpt) in enumerate(cases):
                options = ([f"NOTIFY={notify}"] if notify else []) + ([f"ORCPT={orcpt}"] if orcpt else [])
                submit(relay, {f"{who}@example.test": options}, mail_options=[f"ENVID=case+3D{number}"] + ([f"RET={ret}"] if ret else []))
            relay.wait_idle()
            settled(relay, sink)
            came = {}
            for notice in notices(sink):
                self.assertNotIn(notice.envid, came, "told twice")
                came[notice.envid] = notice
            taken = {m.parameters[0].split("ENVID=")[1].split()[0]: m for m in sink.received if m.sender and "ENVID=" in m.parameters[0]}
        return cases, came, taken

    def check(self, extensions, relayed):
        cases, came, taken = self.run_matrix(extensions)
        for number, (who, notify, ret, orcpt) in enumerate(cases):
            with self.subTest(who=who, notify=notify, ret=ret, orcpt=orcpt):
                asked = set((notify or "FAILURE").split(","))
                action = "failed" if who == "no" and "FAILURE" in asked else "relayed" if who == "yes" and relayed and "SUCCESS" in asked else None
                notice = came.pop(f"case={number}", None)
                if action is None:
                    self.assertIsNone(notice)
                    continue
                self.assertIsNotNone(notice, "no notice came")
                self.assertEqual(len(notice.recipients), 1)
                recipient = notice.recipients[0]
                self.assertEqual(recipient["Action"], action)
                self.assertEqual(recipient["Status"], "5.1.1" if action == "failed" else "2.0.0")
                self.assertEqual(recipient["Final-Recipient"], f"rfc822; {who}@example.test")
                self.assertEqual(recipient["Original-Recipient"], "rfc822; first+hand@example.org" if orcpt else None)
                whole = action == "failed" and ret == "FULL"
                self.assertEqual(notice.returned.get_content_type(), "message/rfc822" if whole else "text/rfc822-headers")
                self.assertEqual(BODY.encode() + b"\r\n--" in notice.data, whole)
                self.assertIn(b"\r\nSubject: Invoice 4711\r\n", notice.data)
        self.assertEqual(set(came), {"last"})
        return cases, taken

    def test_towards_a_hop_without_dsn(self):
        self.check(NO_DSN, relayed=True)

    def test_towards_a_hop_with_dsn_everything_is_passed_on(self):
        cases, taken = self.check(NO_DSN + ("DSN",), relayed=False)
        for number, (who, notify, ret, orcpt) in enumerate(cases):
            if who != "yes":
                continue
            with self.subTest(notify=notify, ret=ret, orcpt=orcpt):
                mail, rcpt = taken[f"case+3D{number}"].parameters
                self.assertEqual("RET=" in mail, ret is not None)
                if ret:
                    self.assertIn(f"RET={ret}", mail)
                self.assertEqual(rcpt, " ".join(([f"NOTIFY={notify}"] if notify else []) + ([f"ORCPT={orcpt}"] if orcpt else [])))


class Bounces(unittest.TestCase):
    def test_the_sender_reads_what_happened_to_whom_when_and_what_to_do(self):
        with Sink(refuse_no) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = submit(relay, {"yes@example.test": [], "no@example.test": []})
            (notice,) = wait_notices(sink, 1)
            taken = next(m for m in sink.received if m.sender == "")
            self.assertEqual(taken.recipients, ["app@example.test"])
            self.assertIn("NOTIFY=NEVER", taken.parameters[1])
            self.assertEqual(notice.mail["From"], "Mail Delivery System <MAILER-DAEMON@relay.test>")
            self.assertEqual(notice.mail["Subject"], "Mail not delivered: Invoice 4711")
            self.assertEqual(notice.mail["Auto-Submitted"], "auto-replied")
            self.assertEqual(notice.mail["In-Reply-To"], "<4711@example.test>")
            self.assertIn("could not be delivered to 1 of its 2 recipients", notice.text)
            self.assertIn(f"<no@example.test>\n  What happened:  [127.0.0.1] refused it: {REFUSAL}\n", notice.text)
            self.assertIn(", after 1 try\n  What to do:     check the address for a mistake", notice.text)
            self.assertIn(message, notice.text)
            self.assertNotIn("yes@example.test", notice.text)
            self.assertEqual(notice.message["Reporting-MTA"], "dns; relay.test")
            self.assertEqual(notice.recipients[0]["Remote-MTA"], "dns; [127.0.0.1]")
            self.assertEqual(notice.recipients[0]["Diagnostic-Code"], f"smtp; {REFUSAL}")
            self.assertIn("notified", events(relay, message))

    def test_through_a_real_postfix_into_the_mailbox_of_the_sender(self):
        with Postfix() as postfix, Relay(smtp_upstream(postfix.port)) as relay:
            with open(postfix.directory / "etc/main.cf", "a") as main:
                main.write("smtpd_recipient_restrictions = check_recipient_access inline:{no@example.test=REJECT}\n")
            postfix.run("reload")

            def refused():
                with smtplib.SMTP("127.0.0.1", postfix.port, timeout=PATIENCE) as client:
                    client.ehlo()
                    client.mail("app@example.test")
                    return client.rcpt("no@example.test")[0] == 554

            wait_until("Postfix refuses", refused)
            message = submit(relay, {"no@example.test": []})
            relay.wait_state(message, "bounced")
            (mail,) = wait_until("the notice is in the mailbox", postfix.inbox)
            notice = Notice(mail)
            self.assertEqual(notice.recipients[0]["Action"], "failed")
            self.assertEqual(notice.recipients[0]["Status"], "5.7.1")
            self.assertIn("Access denied", notice.recipients[0]["Diagnostic-Code"])

    def test_a_notice_that_bounces_ends_quietly_with_its_history(self):
        with Sink(lambda stage, text: REFUSAL if stage == "rcpt" else None) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = submit(relay, {"user@example.test": []}, sender="app@bounces.test")
            relay.wait_state(message, "bounced")
            first = wait_until("the notice", lambda: [m for m in relay.messages() if m["sender"] == ""])[0]
            told = relay.wait_state(first["id"], "bounced")
            self.assertEqual(told["recipients"][0]["address"], "app@bounces.test")
            self.assertIn("bounced", events(relay, first["id"]))
            other = submit(relay, {"user@example.test": []}, sender="other@bounces.test")  # its notice comes after any about the first
            wait_until("the other is told of", lambda: "notified" in events(relay, other))
            relay.wait_idle()
            self.assertEqual(len(relay.messages()), 4)
            self.assertNotIn("notified", events(relay, first["id"]))

    def test_a_failure_after_retries_is_told_once_with_the_number_of_tries(self):
        def busy(stage, text):
            return "450 4.2.1 The mailbox is busy" if stage == "rcpt" and "<busy" in text else None

        with Sink(busy) as sink, Relay(smtp_upstream(sink.port), delivery='retries = 2\nretry_interval = "1s"') as relay:
            message = submit(relay, {"busy@example.test": []})
            relay.wait_state(message, "failed")
            (notice,) = wait_notices(sink, 1)
            relay.wait_idle()
            self.assertEqual(len(notices(sink)), 1)
            self.assertIn("given up: the last answer, from [127.0.0.1], was: 450", notice.text)
            self.assertIn(", after 3 tries\n", notice.text)
            self.assertEqual(notice.recipients[0]["Status"], "4.2.1")
            self.assertEqual(notice.recipients[0]["Diagnostic-Code"], "smtp; 450 4.2.1 The mailbox is busy")

    def test_a_failure_of_the_route_is_told_when_its_body_goes(self):
        down = threading.Event()
        down.set()
        script = lambda stage, text: "drop" if stage == "greeting" and down.is_set() else None
        with Sink(script) as sink, Relay(smtp_upstream(sink.port), delivery="retries = 0", extra='[retention]\nfailed_bodies = "1s"') as relay:
            message = submit(relay, {"user@example.test": []}, mail_options=["RET=FULL"])
            relay.wait_state(message, "failed")
            self.assertNotIn("notified", events(relay, message))
            down.clear()
            wait_until("the body goes", lambda: relay.api("/v1/retention/run", "POST")["bodies"] or "body_removed" in events(relay, message))
            (notice,) = wait_notices(sink, 1)
            self.assertEqual(notice.recipients[0]["Action"], "failed")
            self.assertTrue(notice.recipients[0]["Status"].startswith("4."))
            self.assertIn("show this to the operator of this relay", notice.text)
            self.assertEqual(notice.returned.get_content_type(), "text/rfc822-headers")
            self.assertIn("Subject: Invoice 4711", notice.returned.get_content())

    def test_a_large_message_is_returned_octet_by_octet(self):
        body = BODY + "".join(f"..{n} some text that fills the line\r\n" for n in range(10_000))
        with Sink(refuse_no) as sink, Relay(smtp_upstream(sink.port)) as relay:
            submit(relay, {"no@example.test": [], "yes@example.test": []}, mail_options=["RET=FULL"], body=body)
            (notice,) = wait_notices(sink, 1)
            taken = next(m for m in sink.received if m.sender)
            self.assertIn(b"\r\n\r\n" + taken.data + b"\r\n--" + notice.mail.get_boundary().encode() + b"--\r\n", notice.data)

    def test_what_a_hop_refuses_for_its_encoding_is_told_through_that_hop(self):
        body = "Subject: Grüße\r\nFrom: app@example.test\r\n\r\nschöne Grüße\r\n".encode()
        with Sink(refuse_no, ("PIPELINING", "DSN")) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = submit(relay, {"user@example.test": []}, mail_options=["RET=FULL", "BODY=8BITMIME"], body=body)
            relay.wait_state(message, "bounced")
            (notice,) = wait_notices(sink, 1)
            self.assertTrue(notice.data.isascii())
            self.assertEqual(notice.mail["Subject"], "Mail not delivered: Grüße")
            self.assertIn("Subject:   Grüße\n", notice.text)
            self.assertIn("Subject: Grüße", notice.returned.get_content())
            self.assertEqual(notice.recipients[0]["Status"], "5.6.3")

    def test_lost_answers_are_told_as_such(self):
        def lie(stage, taken):
            return "lie" if stage == "dot" and taken.sender else None

        with Sink(lie) as sink, Relay(smtp_upstream(sink.port), delivery='retries = 3\nretry_interval = "1s"') as relay:
            message = submit(relay, {"user@example.test": []})
            recipient = relay.wait_state(message, "failed")["recipients"][0]
            self.assertRegex(recipient["reason"], "^gave up after 4 tries .*; it may have arrived$")
            (notice,) = wait_notices(sink, 1)
            self.assertEqual(sum(m.id == message for m in sink.received), 4)
            self.assertTrue(notice.mail["Subject"].startswith("Mail perhaps not delivered:"))
            self.assertIn("It is not known whether your message was delivered.", notice.text)
            self.assertIn("it was handed over 4 times", notice.text)
            self.assertIn("ask the recipient whether it arrived", notice.text)

    def test_too_big_for_the_hop_without_an_enhanced_code(self):
        def too_big(stage, taken):
            return "552 too big" if stage == "dot" and taken.sender else None

        with Sink(too_big) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = submit(relay, {"user@example.test": []})
            relay.wait_state(message, "bounced")
            (notice,) = wait_notices(sink, 1)
            self.assertEqual(notice.recipients[0]["Status"], "5.3.4")
            self.assertEqual(notice.recipients[0]["Diagnostic-Code"], "smtp; 552 too big")
            self.assertIn("refused it: 552 too big\n", notice.text)

    def test_what_was_written_is_named_beside_what_an_alias_made_of_it(self):
        aliases = '[addresses]\naliases = { root = "no-ops@example.test" }'
        with Sink(refuse_no) as sink, Relay(smtp_upstream(sink.port), extra=aliases) as relay:
            submit(relay, {"root": []})
            (notice,) = wait_notices(sink, 1)
            self.assertEqual(notice.recipients[0]["Original-Recipient"], "rfc822; root")
            self.assertEqual(notice.recipients[0]["Final-Recipient"], "rfc822; no-ops@example.test")
            self.assertIn("<no-ops@example.test>\n  You wrote to:   root\n", notice.text)

    def test_none_when_it_is_switched_off(self):
        with Sink(refuse_no) as sink, Relay(smtp_upstream(sink.port), delivery="dsn = false") as relay:
            message = submit(relay, {"no@example.test": ["NOTIFY=SUCCESS,FAILURE"]})
            relay.wait_state(message, "bounced")
            relay.stop()
            relay.start()
            self.assertEqual(len(relay.messages()), 1)
            self.assertNotIn("notified", events(relay, message))
            self.assertEqual(notices(sink), [])

    def test_none_to_a_null_sender(self):
        with Sink(refuse_no) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = submit(relay, {"no@example.test": ["NOTIFY=FAILURE"]}, sender="")
            relay.wait_state(message, "bounced")
            settled(relay, sink)
            self.assertNotIn("notified", events(relay, message))
            self.assertEqual(len(relay.messages()), 3)


class Crash(unittest.TestCase):
    ROUNDS = 8

    def run_rounds(self, instant):
        """Kills the relay at `instant(relay, sink, message)` of each round; every message is told of exactly once all the same."""
        seen = threading.Condition()
        commands = []

        def script(stage, text):
            if stage != "rcpt":
                return None
            with seen:
                commands.append(text)
                seen.notify_all()
            return refuse_no(stage, text)

        def wait_rcpt(address, count):
            with seen:
                assert seen.wait_for(lambda: sum(f"<{address}>" in c for c in commands) >= count, PATIENCE), commands

        with Sink(script) as sink, Relay(smtp_upstream(sink.port), delivery='retry_interval = "1s"\nretries = 100') as relay:
            about = []
            for number in range(self.ROUNDS):
                sender = f"app{number}@example.test"
                about.append(submit(relay, {f"no{number}@example.test": []}, sender=sender))
                instant(relay, about[-1], lambda who, n=number: wait_rcpt(f"{who}{n}@example.test", 1))
                relay.kill()
                relay.start()
            # What was under way in three crashes is held for a person to look at: so say we yes.
            for held in relay.messages("&state=held"):
                relay.api(f"/v1/messages/{held['id']}/release", "POST", {})
            for message in about:
                wait_until("it is told of", lambda: "notified" in events(relay, message))
            relay.wait_idle()
            for message in about:
                self.assertEqual(events(relay, message).count("notified"), 1)
            written = [m for m in relay.messages() if m["sender"] == ""]
            self.assertEqual(len(written), self.ROUNDS)
            told = {(n.mail["To"], n.mail["Message-ID"]) for n in notices(sink)}
            self.assertEqual(len(told), self.ROUNDS, told)  # one handed over twice is the same message twice

    def test_while_the_refusal_is_on_its_way(self):
        self.run_rounds(lambda relay, message, wait_rcpt: wait_rcpt("no"))

    def test_right_after_the_settle(self):
        self.run_rounds(lambda relay, message, wait_rcpt: relay.wait_state(message, "bounced"))

    def test_while_the_notice_is_handed_over(self):
        self.run_rounds(lambda relay, message, wait_rcpt: wait_rcpt("app"))


if __name__ == "__main__":
    unittest.main()
