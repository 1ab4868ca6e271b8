# SPDX-License-Identifier: MIT
"""A real Postfix in a folder of its own: STARTTLS, AUTH, delivery into Maildirs."""

import atexit
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import harness

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}/log
myhostname = mail.example.org
mydestination =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
in_flow_delay = 0
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/sasl
smtpd_sasl_local_domain = example.org
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_transport = virtual
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def make_certificate(folder, name="localhost"):
    """A self-signed certificate for NAME in FOLDER: (certificate, key)."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Postfix:
    """postfix(1) wants root.  The user is "alerts@example.org" with the password given;
    `more` are lines for main.cf."""

    def __init__(self, _, password="correct horse", mechanisms="PLAIN LOGIN", more=""):
        # Its unprivileged parts must get here: not below pytest's folder, which every
        # other pytest closes to them again.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alertpost-postfix-"))
        self.folder.chmod(0o755)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.port = harness.free_port()
        user = pwd.getpwnam("postfix")
        for name in ("queue", "data", "log", "sasl", "mail"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        self.certificate, _ = make_certificate(self.folder)
        values = {"folder": self.folder, "port": self.port, "uid": user.pw_uid, "gid": user.pw_gid}
        (self.folder / "main.cf").write_text(MAIN.format(**values) + more)
        (self.folder / "master.cf").write_text(MASTER.format(**values))
        self._add_user(password, user, mechanisms)
        self._run("start")
        harness.wait_for(lambda: harness.accepts(self.port), "Postfix listens")

    def _add_user(self, password, user, mechanisms):
        database = self.folder / "sasl" / "sasldb2"
        (self.folder / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: {mechanisms}\n")
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", "example.org", "alerts"],
                       input=password.encode(), check=True)
        os.chown(database, user.pw_uid, user.pw_gid)

    def _run(self, verb):
        subprocess.run(["postfix", "-c", self.folder, verb], check=True, capture_output=True)

    # The shape of the harness's processes.
    class _Log:
        def close(self):
            pass
    log = _Log()

    def running(self):
        return (self.folder / "queue" / "pid" / "master.pid").exists()

    def stop(self):
        self._run("stop")

    @property
    def child(self):
        return self

    def kill(self):
        pid = int((self.folder / "queue" / "pid" / "master.pid").read_text())
        os.kill(pid, signal.SIGTERM)

    def wait(self):
        harness.wait_for(lambda: not harness.accepts(self.port), "Postfix ends")
        (self.folder / "queue" / "pid" / "master.pid").unlink(missing_ok=True)

    def output(self):
        return self.maillog()

    def maillog(self):
        return (self.folder / "log" / "maillog").read_text(errors="replace")

    def received(self):
        return [harness.parse_mail(path.read_bytes())
                for path in sorted((self.folder / "mail" / "all" / "new").glob("*"))]
