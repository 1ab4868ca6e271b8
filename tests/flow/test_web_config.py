# SPDX-License-Identifier: MIT
"""--web.config.file: TLS, clients' certificates, and users, seen by curl."""

import crypt
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import warnings

import pytest

import faultserver
import harness
from harness import Alertpost, SmtpSink, request, wait_for

warnings.simplefilter("ignore", DeprecationWarning)
PASSWORD = "correct horse"
HASH = crypt.crypt(PASSWORD, "$2b$10$" + "abcdefghijklmnopqrstuu")
USERS = f"basic_auth_users:\n  ada: {HASH}\n"
SOURCES = """
sources:
  - {name: own, type: alertmanager, auth: {bearer_token: t0ken}}
  - {name: open, type: alertmanager, allow_unauthenticated: true}
"""
PAYLOAD = json.dumps({"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "r", "groupLabels": {},
                      "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [
                          {"status": "firing", "labels": {"alertname": "A"}, "annotations": {},
                           "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]})


@pytest.fixture
def serve(start, tmp_path):
    sink = start(SmtpSink)

    def begin(web, *arguments, folder=tmp_path):
        (tmp_path / "web.yml").write_text(web)
        return start(Alertpost, harness.simple_config(sink.port, SOURCES), "--web.config.file",
                     str(tmp_path / "web.yml"), *arguments, folder=tmp_path)
    begin.folder = tmp_path
    return begin


def curl(server, path, *arguments, scheme="https"):
    """(status, body); 0 if there was no answer."""
    run = subprocess.run(["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *map(str, arguments),
                          f"{scheme}://127.0.0.1:{server.port}{path}"], capture_output=True, text=True)
    body, _, status = run.stdout.rpartition("\n")
    return int(status), body


def post(server, name, *arguments, **options):
    return curl(server, f"/hooks/{name}", "--json", PAYLOAD, *arguments, **options)


def certificates(folder, name, *names):
    return faultserver.make_certificate(folder / name, *names)


def tls(certificate, key, more=""):
    return f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n{more}"


def test_webhooks_and_health_come_over_tls_and_no_longer_in_the_clear(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    server = serve(tls(certificate, key))
    assert curl(server, "/-/healthy", "--cacert", ca) == (200, "healthy\n")
    status, answer = post(server, "alertmanager", "--cacert", ca)
    assert (status, json.loads(answer)["results"][0]["result"]) == (202, "queued")
    assert curl(server, "/-/healthy")[0] == 0  # not signed by anybody known
    assert curl(server, "/-/healthy", "--cacert", ca, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")[0] == 0
    assert curl(server, "/-/healthy", "--cacert", ca, "--tls-max", "1.2")[0] == 200
    assert curl(server, "/-/healthy", scheme="http")[0] == 0
    big = serve.folder / "big.json"
    big.write_text(json.dumps({**json.loads(PAYLOAD), "externalURL": "x" * 5_000_000}))
    assert curl(server, "/hooks/open", "--cacert", ca, "-H", "Content-Type: application/json", "--data-binary",
                f"@{big}")[0] in (200, 202)


def test_a_rotated_certificate_is_shown_without_a_reload(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    new_ca, new_certificate, new_key = certificates(serve.folder, "next")
    server = serve(tls(certificate, key))
    assert curl(server, "/-/healthy", "--cacert", ca)[0] == 200
    assert curl(server, "/-/healthy", "--cacert", new_ca)[0] == 0
    certificate.write_text("no certificate")
    server.tells('level=error msg="web configuration not read anew"')
    assert curl(server, "/-/healthy", "--cacert", ca)[0] == 200
    shutil.copy(new_key, key)
    shutil.copy(new_certificate, certificate)
    wait_for(lambda: curl(server, "/-/healthy", "--cacert", new_ca)[0] == 200, "the new certificate")
    server.tells('msg="web configuration read anew"')


def test_only_a_client_s_certificate_with_an_allowed_name_comes_in(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    client_ca, good, good_key = certificates(serve.folder, "clients", "alertmanager.example")
    other_ca, foreign, foreign_key = certificates(serve.folder, "foreign", "alertmanager.example")
    # Signed by the right CA, with another name.
    shutil.copytree(serve.folder / "clients", serve.folder / "wrong")
    wrong, wrong_key, demand = (serve.folder / "wrong" / f"w.{end}" for end in ("pem", "key", "csr"))
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=w",
                    "-addext", "subjectAltName=DNS:other.example", "-keyout", wrong_key, "-out", demand],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", demand, "-CA", client_ca, "-CAkey",
                    serve.folder / "clients/ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copyall",
                    "-out", wrong], check=True, capture_output=True)
    server = serve(tls(certificate, key, "  client_auth_type: RequireAndVerifyClientCert\n"
                       f"  client_ca_file: {client_ca}\n  client_allowed_sans: [10.0.0.1, alertmanager.example]\n"),
                   "--web.listen-address", "0.0.0.0:0", "--web.listen-address", "127.0.0.1:0")
    for pair in ([], ["--cert", foreign, "--key", foreign_key], ["--cert", wrong, "--key", wrong_key]):
        for version in ("1.2", "1.3"):
            assert curl(server, "/-/healthy", "--cacert", ca, "--tls-max", version, *pair)[0] == 0, pair
    for version in ("1.2", "1.3"):
        assert curl(server, "/-/healthy", "--cacert", ca, "--tls-max", version, "--cert", good, "--key", good_key)[0] == 200
    assert post(server, "alertmanager", "--cacert", ca, "--cert", good, "--key", good_key)[0] == 202


def test_users_are_asked_for_where_a_source_has_nothing_of_its_own(serve):
    server = serve(USERS)
    login = ["-u", f"ada:{PASSWORD}"]
    for arguments in ([], ["-u", "ada:wrong"], ["-u", f"eve:{PASSWORD}"], ["-u", "ada:"], ["-H", "Authorization: Basic !"],
                      ["-H", "Authorization: Bearer t0ken"]):
        for path in ("/metrics", "/api/v1/status", "/hooks/alertmanager"):
            more = ["--json", PAYLOAD] if "hooks" in path else []
            assert curl(server, path, *more, *arguments, scheme="http")[0] == 401, (path, arguments)
        assert curl(server, "/-/reload", "-X", "POST", *arguments, scheme="http")[0] == 401
    status, headers, _ = request(server.port, "GET", "/metrics")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="alertpost"')
    for path in ("/metrics", "/api/v1/status", "/api/v1/mails"):
        assert curl(server, path, *login, scheme="http")[0] == 200, path
    assert curl(server, "/-/reload", "-X", "POST", *login, scheme="http")[0] == 200
    assert curl(server, "/-/healthy", scheme="http")[0] == 200
    assert post(server, "alertmanager", *login, scheme="http")[0] == 202
    # A source's own authentication stands in place of the users; and so does being open.
    assert post(server, "own", *login, scheme="http")[0] == 401
    assert post(server, "own", "-H", "Authorization: Bearer t0ken", scheme="http")[0] == 202
    assert post(server, "open", scheme="http")[0] == 202


def test_the_queue_is_asked_with_a_user_over_tls_and_with_a_certificate(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    client_ca, ours, our_key = certificates(serve.folder, "clients", "admin")
    server = serve(USERS + tls(certificate, key, "  client_auth_type: RequireAndVerifyClientCert\n"
                               f"  client_ca_file: {client_ca}\n"))
    (serve.folder / "password").write_text(PASSWORD + "\n")
    (serve.folder / "wrong").write_text("guess")

    def queue(*arguments):
        run = subprocess.run([harness.ALERTPOST, "queue", "list", "--url", f"https://127.0.0.1:{server.port}",
                              *map(str, arguments)], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr
    trust, show = ["--ca-file", ca], ["--cert-file", ours, "--key-file", our_key]
    login = ["--user", "ada", "--password-file", serve.folder / "password"]
    assert queue(*trust, *show, *login) == (0, "0 mails\n")
    for arguments, reason in [(show + login, "certificate"), (trust + login, "no answer from"),
                              (trust + show, "a name and a password are wanted (--user NAME --password-file FILE)"),
                              (trust + show + login[:3] + [serve.folder / "wrong"], "a name and a password are wanted"),
                              (trust + show + login[:3] + ["/nonexistent"], "secret file /nonexistent: No such file")]:
        status, said = queue(*arguments)
        assert status == 1 and reason in said, said


def test_users_let_an_open_source_listen_where_others_reach_it(serve):
    server = serve(USERS, "--web.listen-address", "0.0.0.0:0", "--web.listen-address", "127.0.0.1:0")
    assert post(server, "alertmanager", scheme="http")[0] == 401
    assert server.stop() == 0


def test_management_has_a_listener_of_its_own_where_it_is_given_one(start):
    server = start(Alertpost, harness.simple_config(start(SmtpSink).port), "--web.listen-address", "127.0.0.1:0",
                   "--web.listen-address", "127.0.0.1:0", "--web.management-address", "127.0.0.1:0")
    server.tells('"listening for management"')
    doors = [(int(port), "management" if management else "web") for management, port in
             re.findall(r'msg="?listening( for management)?"? address=127\.0\.0\.1:(\d+)', server.output())]
    assert [serves for _, serves in doors] == ["web", "web", "management"]
    headers = {"Content-Type": "application/json"}
    for port, serves in doors:
        management = serves == "management"
        assert (request(port, "POST", "/hooks/alertmanager", PAYLOAD, headers)[0] == 404) == management
        for method, path in [("GET", "/-/healthy"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/v1/status"),
                             ("POST", "/-/reload")]:
            assert request(port, method, path)[0] == (200 if management else 404), (serves, path)


def test_what_a_reload_cannot_do_leaves_everything_as_it_was(serve):
    server = serve(USERS)
    login = ["-u", f"ada:{PASSWORD}"]
    web = serve.folder / "web.yml"
    for text, reason in [("basic_auth_users: {}\n", "authentication goes only with a restart"),
                         ("basic_auth_users: {ada: secret}\n", "2:"), ("basic_auth_user: {}\n", "unknown key"),
                         (USERS + tls("/nonexistent/c", "/nonexistent/k"), "Error while reading file")]:
        web.write_text(text)
        status, answer = curl(server, "/-/reload", "-X", "POST", *login, scheme="http")
        assert status == 500 and "web.yml" in answer, answer
        assert curl(server, "/metrics", scheme="http")[0] == 401
    new = crypt.crypt("new", "$2b$10$" + "bbcdefghijklmnopqrstuu")
    web.write_text(f"basic_auth_users:\n  bob: {new}\n")
    assert curl(server, "/-/reload", "-X", "POST", *login, scheme="http")[0] in (200, 401)
    wait_for(lambda: curl(server, "/metrics", "-u", "bob:new", scheme="http")[0] == 200, "the new user")
    assert curl(server, "/metrics", *login, scheme="http")[0] == 401


def test_guesses_keep_neither_health_nor_those_who_are_known_waiting(serve):
    dear = crypt.crypt(PASSWORD, "$2b$13$" + "abcdefghijklmnopqrstuu")  # most of a second
    server = serve(f"basic_auth_users:\n  ada: {dear}\n")
    login = ["-u", f"ada:{PASSWORD}"]
    assert post(server, "alertmanager", *login, scheme="http")[0] == 202
    guesses = [threading.Thread(target=curl, args=(server, "/metrics", "-u", f"ada:{n}"), kwargs={"scheme": "http"})
               for n in range(8)]
    for thread in guesses:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in guesses) and answered < 5:
        assert curl(server, "/-/healthy", scheme="http")[0] == 200
        assert post(server, "alertmanager", *login, scheme="http")[0] == 200
        answered += 1
    waiting = sum(thread.is_alive() for thread in guesses)
    for thread in guesses:
        thread.join()
    assert waiting > 0, "the guesses were checked before the others were answered"


def test_a_truncated_handshake_and_silence_keep_nobody_waiting(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    server = serve(tls(certificate, key))
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    context = ssl.create_default_context(cafile=str(ca))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    hello = outgoing.read()
    for length in range(0, len(hello), 40):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(hello[:length])
    for text in (b"GET / HTTP/1.1\r\n\r\n", bytes(5000), hello[:5] + bytes(len(hello))):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(text)
    assert curl(server, "/-/healthy", "--cacert", ca)[0] == 200
    for connection in silent:
        connection.close()
    assert server.stop() == 0


def hello(server, ca, *arguments):
    """(protocol, cipher) that openssl agrees on with the server, or None."""
    run = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", str(ca), "-brief",
                          *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    found = re.search(r"Protocol version: (\S+)\nCiphersuite: (\S+)", run.stderr)
    return found.groups() if found else None


OLD = ("-tls1_2", "-cipher")


def suites(*names, key="ECDSA", more=""):
    return f"  cipher_suites: [{', '.join(f'TLS_ECDHE_{key}_WITH_{name}' for name in names)}]\n{more}"


def test_only_the_configured_cipher_suites_are_spoken_and_tls_1_3_s_own(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    server = serve(tls(certificate, key, suites("AES_256_GCM_SHA384", "AES_128_CBC_SHA")))
    for cipher, spoken in [("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-AES128-SHA", True),
                           ("ECDHE-ECDSA-AES128-GCM-SHA256", False), ("ECDHE-ECDSA-CHACHA20-POLY1305", False),
                           ("ECDHE-ECDSA-AES256-SHA", False)]:
        assert hello(server, ca, *OLD, cipher) == (("TLSv1.2", cipher) if spoken else None), cipher
    for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
        assert hello(server, ca, "-tls1_3", "-ciphersuites", cipher) == ("TLSv1.3", cipher)
    assert curl(server, "/-/healthy", "--cacert", ca, "--tls-max", "1.2")[0] == 200


TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
# Go's names of TLS 1.2's, and OpenSSL's
SUITES = {"AES_128_GCM_SHA256": "AES128-GCM-SHA256", "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
          "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305", "AES_128_CBC_SHA": "AES128-SHA", "AES_256_CBC_SHA": "AES256-SHA"}


@pytest.mark.parametrize("key", ["ECDSA", "RSA"])
def test_every_cipher_suite_that_has_a_name_is_spoken(serve, key):
    ca, certificate, private = certificates(serve.folder, "server")
    if key == "RSA":
        ca, private = serve.folder / "rsa.pem", serve.folder / "rsa.key"
        certificate = ca
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", private, "-out", ca], check=True, capture_output=True)
    names = TLS13 + [f"TLS_ECDHE_{kind}_WITH_{name}" for kind in ("ECDSA", "RSA") for name in SUITES]
    server = serve(tls(certificate, private, f"  cipher_suites: [{', '.join(names)}]\n"))
    for cipher in SUITES.values():
        assert hello(server, ca, *OLD, f"ECDHE-{key}-{cipher}") == ("TLSv1.2", f"ECDHE-{key}-{cipher}")
    for cipher in TLS13:
        assert hello(server, ca, "-tls1_3", "-ciphersuites", cipher) == ("TLSv1.3", cipher)


def test_whose_order_of_cipher_suites_counts_is_configured(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    ours, theirs = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
    names = suites("AES_128_GCM_SHA256", "AES_256_GCM_SHA384")
    for more, chosen in [("", ours), ("  prefer_server_cipher_suites: false\n", theirs)]:
        server = serve(tls(certificate, key, names + more))
        assert hello(server, ca, *OLD, f"{theirs}:{ours}") == ("TLSv1.2", chosen)
        assert server.stop() == 0


def test_suites_for_another_key_leave_tls_1_3_or_are_an_error(serve, tmp_path):
    ca, certificate, key = certificates(serve.folder, "server")
    foreign = suites("AES_128_GCM_SHA256", key="RSA")
    server = serve(tls(certificate, key, foreign))
    assert hello(server, ca, "-tls1_2") is None
    assert hello(server, ca, "-tls1_3")[0] == "TLSv1.3"
    (tmp_path / "old.yml").write_text(tls(certificate, key, foreign + "  max_version: TLS12\n"))
    run = subprocess.run([harness.ALERTPOST, "serve", "--web.config.file", "old.yml", "--storage", "memory:"],
                         cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1 and "cipher_suites: none is for the key of " in run.stderr, run.stderr


def test_only_the_configured_curves_are_spoken(serve):
    ca, certificate, key = certificates(serve.folder, "server")
    server = serve(tls(certificate, key, "  curve_preferences: [CurveP384, X25519]\n"))
    for version in ("-tls1_2", "-tls1_3"):
        # P-256 is the certificate's own, which a client of TLS 1.2 must know as well.
        for group, spoken in [("P-384:P-256", True), ("X25519:P-256", True), ("P-256", False), ("P-521:P-256", False)]:
            assert (hello(server, ca, version, "-groups", group) is not None) == spoken, (version, group)
    assert curl(server, "/-/healthy", "--cacert", ca)[0] == 200


HEADERS = """http_server_config:
  headers:
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    X-Content-Type-Options: nosniff
    X-Frame-Options: deny
    X-XSS-Protection: 1; mode=block
    Content-Security-Policy: default-src 'none'
"""


def test_configured_headers_are_on_every_answer(serve):
    server = serve(HEADERS)
    wanted = dict(line.strip().split(": ", 1) for line in HEADERS.splitlines()[2:])
    for method, path, status in [("GET", "/-/healthy", 200), ("GET", "/metrics", 200), ("POST", "/hooks/open", 400),
                                 ("GET", "/none", 404), ("PUT", "/metrics", 405), ("POST", "/hooks/own", 401),
                                 ("POST", "/-/reload", 200), ("HEAD", "/-/ready", 200)]:
        answer = request(server.port, method, path, b"")
        assert answer[0] == status and {name: answer[1][name] for name in wanted} == wanted, (path, answer[1].items())
    (serve.folder / "web.yml").write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n")
    wait_for(lambda: request(server.port, "GET", "/-/healthy")[1]["X-Frame-Options"] == "sameorigin", "the new headers")
    assert request(server.port, "GET", "/-/healthy")[1]["X-XSS-Protection"] is None


def test_the_file_is_checked_at_the_start(tmp_path):
    (tmp_path / "alertpost.yml").write_text(harness.simple_config(25))
    rows = [("tls_server_config: {cert_file: a}\n", "web.yml:1:20: tls_server_config: missing key_file"),
            ("basic_auth_users: {ada: secret}\n", 'web.yml:1:25: basic_auth_users.ada: not a bcrypt hash, as in "$2y$10$…"'),
            ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}\n",
             "web.yml:1:20: tls_server_config: missing client_ca_file"),
            ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n",
             "web.yml:1:20: tls_server_config: client_ca_file does not act: client_auth_type does not verify"),
            ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}\n",
             "web.yml:1:20: tls_server_config: min_version is above max_version"),
            ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [TLS_AES_128_GCM_SHA265]}\n",
             'web.yml:1:64: tls_server_config.cipher_suites[0]: unknown cipher suite "TLS_AES_128_GCM_SHA265"; did you mean '
             '"TLS_AES_128_GCM_SHA256"?'),
            ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [RC4]}\n",
             'web.yml:1:64: tls_server_config.cipher_suites[0]: unknown cipher suite "RC4"\n'),
            ("tls_server_config: {cert_file: a, key_file: b, curve_preferences: [CurveP265]}\n",
             'web.yml:1:68: tls_server_config.curve_preferences[0]: unknown curve "CurveP265"; did you mean "CurveP256"?'),
            ("http_server_config: {headers: {Server: x}}\n",
             "web.yml:1:32: http_server_config.headers.Server: not a header that can be configured"),
            ("http_server_config: {headers: {X-Frame-Options: DENY}}\n",
             "web.yml:1:49: http_server_config.headers.X-Frame-Options: must be deny or sameorigin"),
            ('http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}\n',
             "web.yml:1:57: http_server_config.headers.Content-Security-Policy: not one line"),
            (f"http_server_config: {{headers: {{Content-Security-Policy: {'a' * 4097}}}}}\n",
             "web.yml:1:57: http_server_config.headers.Content-Security-Policy: longer than 4096 bytes"),
            ("tls_server_config: {cert: a}\n", "web.yml:1:21: tls_server_config.cert: cert is not supported yet"),
            ("tls_server_config: {cert_file: a, key_file: b}\n", "Error while reading file")]
    for text, reason in rows:
        (tmp_path / "web.yml").write_text(text)
        run = subprocess.run([harness.ALERTPOST, "serve", "--web.config.file", "web.yml", "--storage", "memory:"],
                             cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 1 and reason in run.stderr, run.stderr
        assert "secret" not in run.stderr
