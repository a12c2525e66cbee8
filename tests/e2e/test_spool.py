"""The spool commands beside the real daemon under the load of smtp-source, a backup that is restored, a damaged file that is salvaged."""
import json
import pathlib
import shutil
import subprocess
import unittest

from harness import BINARY, PATIENCE, Relay, Sink, smtp_upstream
from test_operate import send

SLOW = 'retry_interval = "1h"\nprobe_interval = "1s"'
PAGE = 4096
BODY = 60_000  # octets of each message of the load: some fifteen pages that are freed when it is sent


def spool(*arguments, check=0):
    done = subprocess.run([BINARY, "spool", *map(str, arguments)], capture_output=True, timeout=PATIENCE)
    if done.returncode != check:
        raise AssertionError(f"spool {arguments}: exit {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
    return done


def report(*arguments, check=0):
    return json.loads(spool(*arguments, "--json", check=check).stdout)


class Source:
    """smtp-source, round after round, until the block is left."""

    def __init__(self, relay, messages=300):
        self.command = ["smtp-source", "-c", "-s", "4", "-m", str(messages), "-l", str(BODY), "-f", "load@shop.test", "-t", "user@example.test", f"127.0.0.1:{relay.smtp_port}"]

    def round(self):
        subprocess.run(self.command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE)

    def start(self):
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def file_bytes(relay) -> int:
    return relay.api("/v1/stats")["spool"]["file_bytes"]


@unittest.skipUnless(shutil.which("smtp-source"), "smtp-source is not installed")
class BesideADaemon(unittest.TestCase):
    def test_the_file_does_not_grow_for_readers(self):
        # One recipient is refused for now: its messages wait with their bodies and are what the commands have to read.
        def refuse(stage, text):
            return "450 4.2.0 later" if stage == "rcpt" and "slow@" in text else None

        with Sink(refuse) as sink, Relay(smtp_upstream(sink.port), delivery=SLOW) as relay:
            for n in range(40):
                send(relay, recipients=("slow@example.test",), subject=f"waits {n}")
            source = Source(relay)
            for _ in range(2):  # until the file has the pages that this load needs
                source.round()
            quiet_before = file_bytes(relay)
            source.round()
            quiet_growth = file_bytes(relay) - quiet_before
            runs = 0
            before, taken = file_bytes(relay), len(sink.received)
            load = source.start()
            outputs = relay.directory / "outputs"
            outputs.mkdir()
            while load.poll() is None or runs == 0:
                self.assertEqual(report("verify", "--data-dir", relay.data_dir)["fault_count"], 0)
                report("export", "--data-dir", relay.data_dir, "--state", "deferred", "--output", outputs / f"e{runs}")
                report("backup", "--data-dir", relay.data_dir, "--output", outputs / f"b{runs}")
                runs += 1
            self.assertEqual(load.returncode, 0)
            growth = file_bytes(relay) - before
            # All that the load wrote is what a reader that stays would have cost.
            written = 300 * BODY
            self.assertLess(growth, quiet_growth + written / 2, f"{runs} runs, {quiet_growth} without them")
            self.assertGreater(len(sink.received), taken)
            self.assertEqual(len(list((outputs / "e0").glob("*.eml"))), 40)
            exported = json.loads(next((outputs / "e0").glob("*.json")).read_text())
            self.assertEqual(exported["recipients"][0]["address"], "slow@example.test")
            print(f"{runs} runs, file grew {growth} and without them {quiet_growth} ", end="")

    def test_cat_gives_what_was_submitted(self):
        with Relay(smtp_upstream(1), delivery=SLOW) as relay:
            message = send(relay)
            octets = spool("cat", message, "--data-dir", relay.data_dir).stdout
            self.assertTrue(octets.endswith(b"\r\n\r\nhello\r\n"), octets)
            self.assertIn(message.encode(), octets)  # its Received field


class Restored(unittest.TestCase):
    def restore(self, relay, copy: pathlib.Path):
        """Stops the relay and starts it on the copy's spool."""
        relay.stop()
        shutil.rmtree(relay.data_dir / "spool")
        shutil.copytree(copy / "spool", relay.data_dir / "spool")
        relay.start()

    def test_a_backup_sends_nothing_before_it_is_released(self):
        refusing = [True]
        with Sink(lambda stage, _: "450 4.2.0 later" if stage == "rcpt" and refusing[0] else None) as sink:
            with Relay(smtp_upstream(sink.port), delivery=SLOW) as relay:
                waiting = send(relay, subject="waits")
                relay.wait_state(waiting, "deferred")
                copy = relay.directory / "copy"
                done = report("backup", "--data-dir", relay.data_dir, "--output", copy)
                self.assertEqual((done["messages"], done["held"]), (1, 1))
                spool("verify", "--data-dir", copy)
                refusing[0] = False
                relay.api(f"/v1/messages/{waiting}/retry", "POST", {})
                sink.wait_count(1)  # sent after the backup was made
                relay.wait_state(waiting, "sent")
                self.restore(relay, copy)
                fresh = send(relay, subject="fresh")
                relay.wait_state(fresh, "sent")  # the daemon works, and took its turn to look for what is due
                shown = relay.message(waiting)
                self.assertEqual(shown["state"], "held")
                self.assertIn("restored from a backup", shown["recipients"][0]["reason"])
                self.assertEqual(len(sink.received), 2)
                relay.command("queue", "release", waiting)
                relay.wait_state(waiting, "sent")
                self.assertEqual([m.id for m in sink.wait_count(3)], [waiting, fresh, waiting])

    def test_a_damaged_file_is_salvaged_and_delivered_after_release(self):
        refusing = [True]
        with Sink(lambda stage, _: "450 4.2.0 later" if stage == "rcpt" and refusing[0] else None) as sink:
            with Relay(smtp_upstream(sink.port), delivery=SLOW) as relay:
                refusing[0] = False
                finished = send(relay, subject="finished")
                relay.wait_state(finished, "sent")
                refusing[0] = True
                waiting = [send(relay, subject=f"waits {n}") for n in range(30)]
                for message in waiting:
                    relay.wait_state(message, "deferred")
                relay.stop()
                data = relay.data_dir / "spool/data.mdb"
                with open(data, "r+b") as file:
                    file.write(bytes(2 * PAGE))  # LMDB's meta pages: nothing else can open it now
                with self.assertRaises(AssertionError):
                    relay.start()
                spool("verify", "--data-dir", relay.data_dir, check=65)
                copy = relay.directory / "copy"
                done = report("salvage", "--data-dir", relay.data_dir, "--output", copy)
                self.assertEqual((done["complete"], done["held"], done["finished"]), (True, 30, 1))
                spool("verify", "--data-dir", copy)
                refusing[0] = False
                self.restore(relay, copy)
                fresh = send(relay, subject="fresh")
                relay.wait_state(fresh, "sent")
                self.assertEqual([m.id for m in sink.received], [finished, fresh])
                relay.command("queue", "release", *waiting)
                for message in waiting:
                    relay.wait_state(message, "sent")
                self.assertEqual(sorted(m.id for m in sink.received), sorted([finished, fresh, *waiting]))

    def test_compact_with_the_relay_stopped(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port), delivery=SLOW) as relay:
            messages = [send(relay, subject=str(n)) for n in range(20)]
            for message in messages:
                relay.wait_state(message, "sent")
            refused = spool("compact", "--data-dir", relay.data_dir, check=75)
            self.assertIn(b"stop it first", refused.stderr)
            relay.stop()
            done = report("compact", "--data-dir", relay.data_dir)
            self.assertLess(done["bytes_after"], done["bytes_before"])
            relay.start()
            for message in messages:
                self.assertEqual(relay.message(message)["state"], "sent")
            relay.wait_state(send(relay), "sent")


if __name__ == "__main__":
    unittest.main()
