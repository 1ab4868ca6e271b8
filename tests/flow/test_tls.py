# SPDX-License-Identifier: MIT
"""Every setting of tls_config, and the name we give, against a TLS server (OpenSSL's, by
way of Python) that says what it saw."""

import socket
import ssl
import subprocess

import pytest

import harness
from faultserver import FaultServer, make_certificate
from harness import Alertpost, wait_for


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, the server's certificate and a client's, each with its key."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
            ["req", *curve, "-subj", "/CN=alertpost client", "-keyout", folder / "client.key", "-out", folder / "client.csr"],
            ["x509", "-req", "-in", folder / "client.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
             "-CAcreateserial", "-days", "2", "-out", folder / "client.pem"]):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return folder


class TlsServer(FaultServer):
    """Remembers of each session the TLS version, the client certificate's common name, and the
    host's and the protocol's name that the client gave (SNI, ALPN)."""

    def __init__(self, folder, version=None, client_ca=None, **options):
        self.version, self.client_ca, self.shaken = version, client_ca, []
        super().__init__(certificate=folder / "cert.pem", key=folder / "cert.key", **options)

    def tls_context(self):
        context = super().tls_context()
        if self.version:
            context.minimum_version = context.maximum_version = self.version
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_ca)
        server, given = self, []
        context.set_alpn_protocols(["smtp", "http/1.1", "h2"])
        context.sni_callback = lambda _socket, name, _context: given.append(name)

        class Socket(ssl.SSLSocket):
            def do_handshake(self, *arguments):
                super().do_handshake(*arguments)
                subject = (self.getpeercert() or {}).get("subject", ())
                server.shaken.append((self.version(), dict(pair for names in subject for pair in names).get("commonName"),
                                      given[-1] if given else None, self.selected_alpn_protocol()))

        context.sslsocket_class = Socket
        return context


def config(port, tls, more="", name="127.0.0.1"):
    settings = "".join(f"\n    {line}" for line in tls.splitlines())
    text = harness.simple_config(port, global_more=f"{more}\n  smtp_tls_config:{settings}")
    return text.replace("smtp_require_tls: false", "smtp_require_tls: true").replace("127.0.0.1", name)


def inline(key, path):
    """A PEM file as a block of YAML."""
    return f"{key}: |\n" + "".join(f"  {line}\n" for line in path.read_text().splitlines())


def send(ours):
    assert ours.post(harness.payload(harness.alert({"alertname": "A"})))[0] == 202


def delivered(start, server, tls, more="", name="127.0.0.1"):
    ours = start(Alertpost, config(server.port, tls, more, name))
    send(ours)
    wait_for(lambda: server.mails, "the mail")
    assert server.mails[0]["tls"]
    ours.drained()
    assert server.shaken[0][3] is None  # nobody is told that it might be HTTP
    return server.shaken[0]


def refused(start, server, tls):
    """The reason; no mail, nor anything about it, may have left."""
    ours = start(Alertpost, config(server.port, tls))
    send(ours)
    line = wait_for(lambda: [line for line in ours.output().splitlines() if "relay fails" in line], "the relay's fault")[0]
    assert ours.queued() == 1 and not server.seen
    assert not [line for line in server.lines() if line.split()[0] in ("MAIL", "AUTH")]
    return line


@pytest.mark.parametrize("implicit", [False, True])
def test_an_inline_ca_is_trusted(start, certificates, implicit):
    with TlsServer(certificates, implicit_tls=implicit) as server:
        more = "  smtp_force_implicit_tls: true" if implicit else ""
        assert delivered(start, server, inline("ca", certificates / "ca.pem"), more)[1] is None


def test_another_inline_ca_is_not_enough(start, certificates, tmp_path):
    other, _, _ = make_certificate(tmp_path / "other")
    with TlsServer(certificates) as server:
        assert "certificate" in refused(start, server, inline("ca", other))


@pytest.mark.parametrize("form", ["inline", "file", "inline certificate, key in a file"])
def test_a_client_certificate_is_shown_to_a_server_that_wants_one(start, certificates, form):
    tls = f"ca_file: {certificates / 'ca.pem'}\n"
    certificate, key = certificates / "client.pem", certificates / "client.key"
    tls += f"cert_file: {certificate}\n" if form == "file" else inline("cert", certificate)
    tls += inline("key", key) if form == "inline" else f"key_file: {key}\n"
    with TlsServer(certificates, client_ca=certificates / "ca.pem") as server:
        assert delivered(start, server, tls)[1] == "alertpost client"


def test_a_server_that_wants_a_certificate_gets_no_mail_without(start, certificates):
    with TlsServer(certificates, client_ca=certificates / "ca.pem") as server:
        refused(start, server, f"ca_file: {certificates / 'ca.pem'}")


def test_a_key_that_is_not_the_certificates_is_named(start, certificates):
    tls = f"ca_file: {certificates / 'ca.pem'}\ncert_file: {certificates / 'client.pem'}\nkey_file: {certificates / 'cert.key'}"
    with TlsServer(certificates) as server:
        assert "cert_file and key_file of tls_config" in refused(start, server, tls)


def test_a_key_file_that_is_renewed_is_read_at_the_next_session(start, certificates, tmp_path):
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    certificate.write_text((certificates / "client.pem").read_text())
    key.write_text((certificates / "cert.key").read_text())
    tls = f"ca_file: {certificates / 'ca.pem'}\ncert_file: {certificate}\nkey_file: {key}"
    with TlsServer(certificates, client_ca=certificates / "ca.pem") as server:
        ours = start(Alertpost, config(server.port, tls))
        send(ours)
        wait_for(lambda: "relay fails" in ours.output(), "the wrong key is noticed")
        key.write_text((certificates / "client.key").read_text())
        wait_for(lambda: server.mails, "the mail after the correction", 60)
        ours.drained()


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("version, setting, expected", [
    (None, "", "TLSv1.3"), (None, "max_version: TLS12", "TLSv1.2"), (None, "min_version: TLS13", "TLSv1.3"),
    (V12, "", "TLSv1.2"), (V12, "min_version: TLS12", "TLSv1.2"), (V13, "min_version: TLS12", "TLSv1.3"),
    (V13, "min_version: TLS13\nmax_version: TLS13", "TLSv1.3")])
def test_the_newest_version_that_both_may_use_is_used(start, certificates, version, setting, expected):
    with TlsServer(certificates, version) as server:
        assert delivered(start, server, f"ca_file: {certificates / 'ca.pem'}\n{setting}")[0] == expected


@pytest.mark.parametrize("version, setting", [(V12, "min_version: TLS13"), (V13, "max_version: TLS12")])
def test_without_a_version_in_common_the_log_names_the_settings(start, certificates, version, setting):
    with TlsServer(certificates, version) as server:
        line = refused(start, server, f"ca_file: {certificates / 'ca.pem'}\n{setting}")
        assert "TLS handshake: " in line and "min_version and max_version of tls_config" in line


def test_the_certificate_must_have_the_smarthosts_name_or_server_name(start, certificates, tmp_path):
    make_certificate(tmp_path / "named", "mail.example.org")
    ca = f"ca_file: {tmp_path / 'named' / 'ca.pem'}\n"
    with TlsServer(tmp_path / "named") as server:
        assert "server_name" in refused(start, server, ca)
    with TlsServer(tmp_path / "named") as server:
        assert delivered(start, server, ca + "server_name: mail.example.org")[2] == "mail.example.org"


def test_a_name_in_another_script_is_what_dns_and_certificates_make_of_it(start, tmp_path):
    make_certificate(tmp_path / "named", "xn--bcher-kva.example")
    with TlsServer(tmp_path / "named") as server:
        tls = f"ca_file: {tmp_path / 'named' / 'ca.pem'}\nserver_name: bücher.example"
        assert delivered(start, server, tls)[2] == "xn--bcher-kva.example"


@pytest.mark.parametrize("given", ["relay.example.org", "[192.0.2.1]", None])
def test_ehlo_says_hello_or_this_hosts_full_name(start, certificates, given):
    with TlsServer(certificates) as server:
        delivered(start, server, f"ca_file: {certificates / 'ca.pem'}", f"  smtp_hello: '{given}'" if given else "")
        names = {line for line in server.lines() if line.startswith("EHLO")}
        assert names == {f"EHLO {given or full_name()}"}  # before TLS and in it


def full_name():
    """What the resolver calls this host, where that is more than its short name."""
    name = socket.gethostname()
    if "." not in name:
        answers = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
        name = answers[0][3] if "." in answers[0][3] else name
    return name
