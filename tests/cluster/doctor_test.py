"""The doctor: what is provoked is found, from the node that is asked, by `raftd doctor` as by GET /v1/doctor; and its cures help."""

import json
import os
import shutil
import subprocess
import unittest

from full_disk_test import DISK_BYTES, can_mount
from harness import LIBRARIES, RAFTD, ClusterTest, Node, wait_for
from tls_test import SecureClient, context_with, make_certs


class Doctor(ClusterTest):
    def doctor(self, node, *arguments, scheme="http", **environment):
        """(exit code, standard output)"""
        ran = subprocess.run([RAFTD, "doctor", *arguments, f"{scheme}://127.0.0.1:{node.port}"], capture_output=True, text=True, timeout=60,
                             check=False, env={**os.environ, **environment})
        if ran.returncode == 2:  # It may be starting.
            raise ValueError(ran.stderr)
        self.assertEqual(ran.stderr, "")
        return ran.returncode, ran.stdout

    def findings(self, node, **options):
        code, text = self.doctor(node, "--json", **options)
        answer = json.loads(text)
        self.assertEqual(answer["node"], node.number)
        self.assertEqual(code, 0 if answer["healthy"] else 1)
        return {(finding["code"], finding["node"]): finding for finding in answer["findings"]}

    def expect(self, node, *codes, **options):
        """Waits until exactly these are found; disks of machines that run tests may be slow at any time. Answers them."""
        def found():
            last = {key: finding for key, finding in self.findings(node, **options).items()
                    if key[0] not in ("disk_slow", "disk_nearly_full") or key in codes}
            if set(last) != set(codes):
                raise ValueError(f"found {sorted(map(str, last.values()))}")
            return last or True
        return wait_for(found, f"the doctor finds {codes}")

    def test_a_healthy_cluster_a_dead_node_a_lost_disk_and_a_stranger(self):
        cluster = self.cluster().start()
        leader, patient = cluster.leader(), cluster.followers()[0]
        self.expect(leader)
        self.expect(patient)
        patient.kill()
        dead = self.expect(leader, ("member_silent", patient.number))["member_silent", patient.number]
        self.assertIn("connection refused", dead["evidence"])
        self.assertIn(f"/v1/members/{patient.number}", dead["command"])
        code, text = self.doctor(leader)
        self.assertEqual(code, 1)
        self.assertIn(f"PROBLEM  node {patient.number} is not heard of\n", text)
        shutil.rmtree(patient.directory)
        patient.start()
        lost = self.expect(leader, ("lost_disk", patient.number))["lost_disk", patient.number]
        self.assertIn("--replace", lost["command"])
        self.assertIn("must not vote", self.expect(patient, ("waiting", patient.number))["waiting", patient.number]["evidence"])
        patient.kill()
        patient.arguments.append("--replace")  # The cure.
        patient.start()
        cluster.wait_ready()
        self.expect(leader)
        patient.kill()
        stranger = Node(9, patient.port, os.path.join(cluster.directory, "elsewhere"),
                        ["--id", "9", "--listen", f"127.0.0.1:{patient.port}", "--data-dir", os.path.join(cluster.directory, "elsewhere"),
                         "--cluster", f"9=http://127.0.0.1:{patient.port}"])
        stranger.start()
        self.addCleanup(stranger.kill)
        wait_for(stranger.ready, "the stranger is ready")
        other = self.expect(leader, ("other_cluster", patient.number))["other_cluster", patient.number]
        self.assertIn("answers as node 9 of cluster", other["evidence"])
        self.expect(stranger, ("one_voter", None))

    def test_a_cluster_that_forms_and_one_of_two(self):
        cluster = self.cluster(2)
        first, second = cluster.nodes
        first.start()
        wait_for(lambda: first.status()["role"] == "waiting", "it serves")
        waiting = self.expect(first, ("waiting", 1))["waiting", 1]
        self.assertIn("node 2: connection refused", waiting["evidence"])
        second.start()
        cluster.wait_ready()
        self.assertIn("2 voters", self.expect(first, ("even_voters", None))["even_voters", None]["evidence"])
        second.kill()
        self.expect(first, ("no_leader", None), ("even_voters", None), ("member_silent", 2))

    def test_another_version_another_clock_and_a_disk_that_hangs(self):
        cluster = self.cluster()
        other = os.path.join(cluster.directory, "raftd-other")
        with open(RAFTD, "rb") as program, open(other, "wb") as copy:
            version = subprocess.run([RAFTD, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
            copy.write(program.read().replace(version.encode(), version[:-1].encode() + b"x"))
        os.chmod(other, 0o755)
        asked, drifting, hanging = cluster.nodes
        drifting.program = other
        drifting.environment = {"LD_PRELOAD": os.path.join(LIBRARIES, "drift_clock.so"), "RAFTD_DRIFT_PERCENT": "110"}
        hold = os.path.join(cluster.directory, "hold")
        hanging.environment = {"LD_PRELOAD": os.path.join(LIBRARIES, "hold_sync.so"), "RAFTD_HOLD_FILE": hold}
        cluster.start()
        found = self.expect(asked, ("mixed_versions", None), ("clock_drift", 2))
        self.assertIn(f"node 1 runs {version}, node 2 runs {version[:-1]}x", found["mixed_versions", None]["evidence"])
        self.assertEqual(found["clock_drift", 2]["severity"], "problem")
        self.assertIn("too fast", found["clock_drift", 2]["problem"])
        with open(hold, "w", encoding="ascii"):
            pass
        self.assertEqual(asked.propose({"op": "put", "key": "k", "value": 1}).status, 200)

        def hangs():
            return ("disk_stalled", 3) in self.findings(asked)
        wait_for(hangs, "the disk that hangs is found")
        os.unlink(hold)
        wait_for(lambda: not hangs(), "it is well again")

    def test_an_address_that_others_do_not_reach(self):
        cluster = self.cluster().start()
        patient, asked = cluster.followers()
        patient.kill()
        nowhere = f"http://127.0.0.2:{patient.port}"  # It listens on 127.0.0.1.
        at = patient.arguments.index("--cluster")
        patient.arguments[at:at + 2] = ["--advertise", nowhere]  # It is a member: the list is not asked for.
        patient.start()
        found = self.expect(patient, ("advertise_unreachable", patient.number))["advertise_unreachable", patient.number]
        self.assertIn(f"at {nowhere}: connection refused", found["evidence"])
        self.assertIn("--advertise", found["command"])
        self.expect(asked, ("member_silent", patient.number))

    def test_a_certificate_that_expires(self):
        cluster = self.cluster(urls=lambda ports: [f"https://127.0.0.1:{port}" for port in ports])
        folder = make_certs(os.path.join(cluster.directory, "certs"))
        extensions = os.path.join(folder, "extensions")
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=URI:raftd://node/2,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        request = subprocess.run(["openssl", "req", "-new", "-key", f"{folder}/node2.key", "-subj", "/CN=raftd node 2"], check=True,
                                 capture_output=True).stdout
        subprocess.run(["openssl", "x509", "-req", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "5",
                        "-extfile", extensions, "-out", f"{folder}/node2.pem"], input=request, check=True, capture_output=True)
        trusted = context_with(folder)
        for node in cluster.nodes:
            name = f"{folder}/node{node.number}"
            node.arguments += ["--tls-cert", name + ".pem", "--tls-key", name + ".key", "--tls-ca", f"{folder}/ca.pem"]
            node.make_client = lambda port, timeout, host: SecureClient(port, trusted)
        cluster.start()
        found = self.expect(cluster.nodes[0], ("certificate_expires", 2), scheme="https", RAFTD_TLS_CA=f"{folder}/ca.pem")
        self.assertEqual(found["certificate_expires", 2]["severity"], "warning")
        self.assertRegex(found["certificate_expires", 2]["evidence"], "^(119|120) hours are left")

    @unittest.skipUnless(can_mount(), "file systems of its own take root, and the right to mount")
    def test_a_disk_that_is_nearly_and_then_quite_full(self):
        cluster = self.cluster()
        patient = cluster.nodes[2]
        disk = os.path.join(cluster.directory, "disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "raftd-test", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.addCleanup(lambda: patient.process and patient.kill())
        patient.arguments[patient.arguments.index("--data-dir") + 1] = os.path.join(disk, "data")
        cluster.start()
        self.expect(cluster.nodes[0], ("disk_nearly_full", 3))
        with open(os.path.join(disk, "somebody-else"), "wb") as file:
            found = os.statvfs(disk)
            os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize)
        full = self.expect(cluster.nodes[0], ("disk_full", 3))["disk_full", 3]
        self.assertEqual(full["severity"], "problem")


if __name__ == "__main__":
    unittest.main()
