# SPDX-License-Identifier: MIT
"""`alertpost routes` beside `amtool config routes`: the same answers, byte for byte.

amtool of Debian 12 (0.25) knows only the classic grammar of matchers, so that only what both
grammars read is asked."""

import concurrent.futures
import json
import os
import random
import shutil
import subprocess

import pytest

from harness import ALERTPOST

AMTOOL = shutil.which("amtool")
pytestmark = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (prometheus-alertmanager)")

HAND_MADE = r"""
route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: [team="db"]
    receiver: db
    continue: true
    routes:
    - matchers: [severity="critical", env=~"prod|staging"]
      receiver: db-pager
    - matchers: ['{severity=~"warn.*", env!="test"}']
      receiver: db-mail
    - matchers: [severity=none]
      receiver: 'null'
  - match:
      team: db
    receiver: db-archive
    continue: true
  - match: {team: web, env: prod}
    match_re: {instance: 'web-(\d+)\..*', severity: critical|page}
    receiver: web-pager
  - match_re: {team: ^web$}
    receiver: web
    routes:
    - matchers: ['env=""']
      receiver: web-no-env
    - matchers: [env!="", env!~"prod|test"]
      receiver: web-other
      continue: true
    - matchers: [severity=~".+"]
    - receiver: web-rest
      routes:
      - matchers: [deep=1]
        routes:
        - matchers: [deeper=2]
          receiver: web-deep
          routes:
          - matchers: ['deepest="3"']
  - matchers: [quote="say \"hi\"", back="a\\b", line="a\nb"]
    receiver: quoted
  - matchers: [spurious="\d\x41\t"]
    receiver: spurious
  - matchers: [unquoted = !bar baz ]
    receiver: unquoted
  - matchers: ["{braces=a}}"]
    receiver: braces
  - matchers: ['commas="a,b", more=~"c{1,2}"']
    receiver: commas, too
  - matchers: [a=b, a=b, 'a!=""', c=d]
    receiver: twice
  - matchers: [any=~".*", who="x"]
    receiver: any
  - matchers: [dot=~"a.b"]
    receiver: dot
    continue: true
  - matchers: ['dot=~"(?s)a.b"']
    receiver: dot-all
  - matchers: ['uni=~"(?i)ÄRGER|☺+", uni!="ärger!"']
    receiver: größe ☺
  - matchers: [_a:1=b]
    receiver: colon
  - matchers: []
    match: {last: '1'}
    receiver: last
  - match: {last: ''}
    match_re: {really: ''}
    receiver: never-said
    continue: true
    routes:
    - matchers: [z="1"]
  - receiver: catch-all
    match_re: {z: "2|3", y: "."}
receivers:
""" + "\n".join(f"- name: {json.dumps(name, ensure_ascii=False)}" for name in [
    "default", "db", "db-pager", "db-mail", "null", "db-archive", "web-pager", "web", "web-no-env",
    "web-other", "web-rest", "web-deep", "quoted", "spurious", "unquoted", "braces", "commas, too",
    "twice", "any", "dot", "dot-all", "größe ☺", "colon", "last", "never-said", "catch-all"])

HAND_MADE_LABELS = [
    [], ["team=db"], ["team=db", "severity=critical", "env=prod"], ["team=db", "severity=critical", "env=production"],
    ["team=db", "severity=critical", "env=test"], ["team=db", "severity=warning"],
    ["team=db", "severity=warning", "env=test"], ["team=db", "severity=none"], ["team=db", "severity="],
    ["team=web", "env=prod", "instance=web-12.example.org", "severity=page"],
    ["team=web", "env=prod", "instance=web-x.example.org", "severity=page"], ["team=web"], ["team=web", 'env=""'],
    ["team=web", "env=dev"], ["team=web", "env=dev", "severity=x"], ["team=web", "env=prod"],
    ["team=web", "env=prod", "deep=1"], ["team=web", "env=prod", "deep=1", "deeper=2"],
    ["team=web", "env=prod", "deep=1", "deeper=2", "deepest=3"],
    ["team=web", "env=test", "severity=low", "deep=1"], ["team=WEB"], ["team=webb"],
    [r'quote="say \"hi\""', r'back="a\\b"', r'line="a\nb"'], [r"quote=say \"hi\"", r"back=a\\b", r"line=a\nb"],
    [r'quote="say \"hi\""', r'back="a\b"', 'line="a\nb"'], [r'spurious="\d\x41\t"'], ["spurious=dA\t"],
    ["unquoted=!bar baz"], ["unquoted = !bar baz  "], ['braces="a}"'], ["braces=a"], ["commas=a,b", "more=cc"],
    ['commas="a,b"', "more=ccc"], ["a=b", "c=d"], ["a=b", "a=x", "c=d"], ["a=x", "a=b", "c=d"], ["who=x"],
    ["who=x", "any=thing"], ["dot=axb"], [r'dot="a\nb"'], ["dot=ab"], ["uni=ärger"], ["uni=ÄRGER"], ["uni=☺☺☺"],
    ["uni=ärger!"], ["_a:1=b"], ["last=1"], ["last=1", "team=db"], ["z=1"], ["z=1", "really=yes"], ["z=2", "y=é"],
    ["z=2", "y=", "last=2"], ["z=3", "y=xx", "last=2"], ["z=3", "y=x", "last=2"], ["foo="], ["foo=  spaced  "],
]

NAMES = ["team", "env", "severity", "job", "zone"]
USUAL = ["a", "b", "web", "web-1"]
RARE = ["", "c", "db", "prod", "web-22", "ß☺", "x y", "1.5"]
PATTERNS = ["a|b", "web|db|", ".*", ".+", "web-.*", "[abc]", "[^a]+", r"web-\d", r"(?i)WEB.?", "ß.", r"\w+",
            r"\S*", "(a|web)(-1)?", "", r"1\.5", "p.{2}d", "x y|y"]


def value(rand):
    return rand.choice(USUAL if rand.random() < .8 else RARE)


def generated_route(rand, depth):
    route = {"receiver": f"r{rand.randrange(60)}"}
    if rand.random() < .2:
        del route["receiver"]
    if rand.random() < (.8 if depth == 2 else .4):
        route["continue"] = True
    for name in rand.sample(NAMES, rand.choice([1, 1, 2, 2, 3] if depth == 2 else [0, 1, 1, 1, 2])):
        kind = rand.choice(["match", "match_re", "matchers", "matchers"])
        negated, equality = rand.random() < .2, rand.random() < .6
        if kind == "matchers":
            operator = ("!=" if negated else "=") if equality else ("!~" if negated else "=~")
            quoted = json.dumps(value(rand) if equality else rand.choice(PATTERNS), ensure_ascii=False)
            route.setdefault(kind, []).append(f"{name}{operator}{quoted}")
        else:
            route.setdefault(kind, {})[name] = value(rand) if kind == "match" else rand.choice(PATTERNS)
    children = [generated_route(rand, depth - 1) for _ in range(rand.randrange(5) if depth else 0)]
    return {**route, "routes": children} if children else route


def count(routes):
    return sum(1 + count(route.get("routes", [])) for route in routes)


def generated_config(rand, routes):
    """Of at least so many routes, twenty of them right below the root."""
    top = []
    while len(top) < 20 or count(top) < routes:
        top.append(generated_route(rand, 2))
    return json.dumps({"route": {"receiver": "r0", "routes": top}, "receivers": [{"name": f"r{i}"} for i in range(60)]},
                      ensure_ascii=False, indent=1)


def generated_labels(rand):
    names = rand.sample(NAMES + ["other"], rand.randrange(2, 7))
    return [f"{name}={json.dumps(value(rand), ensure_ascii=False)}" for name in names]


class Pair:
    """Both programs, asked the same."""

    def __init__(self, folder):
        self.folder = folder
        # amtool reads its own settings from the home folder: there are none.
        self.environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def file(self, text, name="alertmanager.yml"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run(self, command):
        return subprocess.run(command, capture_output=True, env=self.environment, cwd=self.folder, timeout=60)

    def ask(self, *arguments):
        theirs = self.run([AMTOOL, "config", "routes", *arguments])
        ours = self.run([ALERTPOST, "routes", *arguments])
        return ours, theirs

    def ask_all(self, questions):
        """The questions, some at a time, each with both answers."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from zip(questions, pool.map(lambda question: self.ask(*question), questions))


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def assert_same(pair, questions, succeed=True):
    """Asks; the different last lines that were answered."""
    answers = set()
    for question, (ours, theirs) in pair.ask_all(questions):
        assert (ours.returncode, ours.stdout.decode()) == (theirs.returncode, theirs.stdout.decode()), \
            f"{question}\nours: {ours.stderr.decode()}\namtool's: {theirs.stderr.decode()}"
        assert theirs.returncode == 0 or not succeed, f"{question}: {theirs.stderr.decode()}"
        answers |= set(theirs.stdout.decode().splitlines()[-1:])
    return answers


def test_the_hand_made_tree_is_drawn_and_asked_alike(pair):
    config = f"--config.file={pair.file(HAND_MADE)}"
    questions = [["show", config]] + [["test", config, "--tree", *labels] for labels in HAND_MADE_LABELS]
    assert len(assert_same(pair, questions)) > 25


def test_a_generated_tree_is_drawn_and_asked_alike_for_300_label_sets(pair):
    rand = random.Random(20260917)
    config = f"--config.file={pair.file(generated_config(rand, 120))}"
    questions = [["show", config]] + [["test", config, "--tree", *generated_labels(rand)] for _ in range(300)]
    assert len(assert_same(pair, questions)) > 80


def test_other_generated_trees_are_drawn_and_asked_alike(pair):
    for seed in range(6):
        rand = random.Random(seed)
        config = f"--config.file={pair.file(generated_config(rand, 60), f'{seed}.yml')}"
        questions = [["show", config]] + [["test", config, "--tree", *generated_labels(rand)] for _ in range(12)]
        assert_same(pair, questions)


def test_the_command_lines_are_understood_alike(pair):
    path = pair.file(HAND_MADE)
    config = f"--config.file={path}"
    bad = pair.file("route: {receiver: nobody}\nreceivers: [{name: somebody}]\n", "bad.yml")
    assert_same(pair, [
        [config], ["--config.file", path, "show"], ["show", config, "team=db"], [config, "nonsense"],
        ["test", config], ["test", config, "team=db"], [config, "test", "team=db", "--tree"],
        ["test", "--config.file", path, "team=db", "--verify.receivers", "db,db-archive"],
        ["test", config, "--verify.receivers=db,db-archive", "team=db"],
        ["test", config, "--verify.receivers=db-archive,db", "team=db"],
        ["test", config, "--verify.receivers=db", "--tree", "team=db"],
        ["test", config, "--verify.receivers=", "team=db"],
        ["test", config, "team"], ["test", config, "team!=db"], ["test", config, "team=~db"],
        ["test", config, "team!~db"], ["test", config, "team=~d["], ["test", config, 'team="db'], ["test", config, ""],
        ["test", config, "=db"], ["test", config, "{team=db}"], ["test", config, "--nonsense", "team=db"],
        ["test", config, "team=db", "--", "--tree"], ["test", config, "--", "team=db"],
        ["test", "--config.file"], ["test", "--config.file=/nonexistent", "team=db"],
        ["test", f"--config.file={bad}", "team=db"], ["show", f"--config.file={bad}"],
    ], succeed=False)


# --- Regular expressions ---

REGEXPS = [
    "", "a", "a|b", "|a", "a.b", "(?s)a.b", "(?s:a.)b", "a$|b", "^a", "(?m)^b$", r"(?m)a$\n^b", r"\Aa\z",
    r"\bfoo\b", r"a\b.*", r"\Boo", r"f\Boo", r"\d+", r"\D+", r"\s+", r"\S+", r"\w+", r"\W+", r"[\s]+", r"[\Sx]*",
    r"[^\S]", r"[^\s\d]+", "[a-c]+", "[^a-c]+", "[]a]+", "[^]a]+", "[a-]+", "[-a]+", "[a^]+", r"[\]\-]+",
    "[[:alpha:]]+", "[[:^alpha:]]+", "[[:punct:]]+", "[[:space:]]+", "[[:word:]]+", "[[:print:]]*", "[[:cntrl:]]",
    r"\pL+", r"\PL+", r"\p{Lu}\p{Ll}*", r"\p{^Lu}+", r"\p{Greek}+", r"\P{Greek}+", r"[\p{Han}x]+", r"\p{Any}*",
    r"\x41", r"\x{e9}+", r"\101", r"\07", r"\n", r"\t", r"\v", r"\f", r"\Qa.b\E", r"\Qa.b*\E+", r"\Q\E", "a*",
    "a+?", "a??b", "a{2}", "a{2,}", "a{2,3}", "a{,2}", "a{0}b", "a{x}", "(ab)+", "(a|ab)(c|bcd)(d*)", "(a*)*",
    "(a*)+", "(|a)*", "(a|b)*c", "((a)|b)*", "(?i)foo", "(?i)FÖÖ|é", "(?i:f)oo", "(a(?i)b|c)d", "(?i)a(?-i)b",
    "a(?i)*b", "(?U)a+", "(?U)a+?b", "(?P<x>a)b", "^*a", "a$*", "(?:^)*a", r"\b*foo", r"#a b", r"\#\ \_", r"a\/b",
    "[a&&b]+", r"[\x00-\x1f]+", r"[à-ÿ]+", ".", "..", "...+", "🙂+", "[🙂-🙄]", r"(?s).*\n.*", "x*y*", "(a{2}){2}",
    "(?:a?){3}a{3}", "(?:(?:a|b)|c){2,3}", ".*foo.*", "(foo|bar|baz)+", "[^\n]*", r"[^\n]*\n?", "a\nb",
]
SUBJECTS = [
    "", "a", "b", "c", "ab", "aa", "aaa", "aaaa", "aab", "abc", "abcd", "abd", "acd", "aBd", "Cd", "cd", "foo",
    "Foo", "FOO", "oo", "foo bar", "foobar", "xfoox", "a b", "#a b", "# _", "a.b", "a.b*", "a.bb", "a/b", "a\nb",
    "a\n", "\n", "b\n", "\n\n", "\v", "\f", "\t", " ", "1", "12", "a1", "-", "a-", "]", "]a", "]-", "^", "a^", "!?",
    "_", "A", "é", "É", "éé", "föö", "FÖÖ", "Straße", "αβγ", "Ωa", "漢字", "x漢", "🙂", "🙂🙂", "🙄", "&", "a{,2}", "a{x}",
    "\x01", "\x07", "yx", "xy", "Abc", "ABC", "  ", "x",
]


def classic_quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def assert_patterns_match_alike(pair, patterns, subjects):
    """Every pattern is a route of its own, named by the pattern's number."""
    names = [f"p{i}" for i in range(len(patterns))]
    routes = [{"matchers": [f"x=~{classic_quoted(pattern)}"], "receiver": name, "continue": True}
              for name, pattern in zip(names, patterns)]
    config = {"route": {"receiver": "none", "routes": routes}, "receivers": [{"name": name} for name in names + ["none"]]}
    flag = f"--config.file={pair.file(json.dumps(config, ensure_ascii=False, indent=1))}"
    questions = [["test", flag, f"x={classic_quoted(subject)}"] for subject in subjects]
    for question, (ours, theirs) in pair.ask_all(questions):
        assert ours.returncode == theirs.returncode == 0, ours.stderr.decode() + theirs.stderr.decode()
        differing = set(ours.stdout.decode().strip().split(",")) ^ set(theirs.stdout.decode().strip().split(","))
        assert not differing, \
            f"{question[-1]}: {[patterns[names.index(name)] for name in differing if name in names]}"


def test_regular_expressions_match_as_in_go(pair):
    assert_patterns_match_alike(pair, REGEXPS, SUBJECTS)


def random_regexp(rand, depth=3):
    if depth == 0 or rand.random() < .3:
        return rand.choice(["a", "b", "é", ".", r"\d", r"\s", r"\w", "[ab]", "[^a]", "[a-c1]", r"\pL", r"\b",
                            "^", "$", r"\n", "1", r"[\S]", r"[^\s1]", "ab", r"\B"])
    kind = rand.randrange(6)
    inner = random_regexp(rand, depth - 1)
    if kind == 0:
        return f"({inner})"
    if kind == 1:
        return f"(?{rand.choice(['', 'i', 's', 'm', 'is', '-s', 'U'])}:{inner})"
    if kind == 2:
        return f"(?:{inner}){rand.choice(['*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '??'])}"
    if kind == 3:
        return f"(?:{inner}|{random_regexp(rand, depth - 1)})"
    return inner + random_regexp(rand, depth - 1)


def test_generated_regular_expressions_match_as_in_go(pair):
    rand = random.Random(4)
    patterns = [random_regexp(rand) for _ in range(400)]
    subjects = ["".join(rand.choice("aabbcé1 \nA") for _ in range(rand.randrange(7))) for _ in range(60)]
    assert_patterns_match_alike(pair, patterns, subjects)


BAD_REGEXPS = [
    "(", ")", "a(b", "a)b(", "[a", "[]a", "[z-a]", r"[a-\d]", "[[:foo:]]", "[[:^:]]", "*", "+a", "a|*", "a|+?",
    "(?i)*a", "(*UTF)a", "a**", "a++", "a*+", "a{2}{3}", "a??*?", "a{1001}", "a{2,1}", "a{99999999999}",
    "a{1,99999999999}", "(a{100}){11}", "((a{100}|b)+c){11}?", r"(a)\1", r"\8", r"\C", r"\Z", r"\R", r"\G", r"\K",
    r"\E", r"\h", r"\k<a>", r"\g1", r"\é", r"\x", r"\x4", r"\xzz", r"\x{}", r"\x{12", r"\x{1z}", r"\x{110000}",
    r"\p", r"\pX", r"\p{Foo", r"\p{lu}", r"\p{Xan}", r"\p{Nope}", "(?=a)", "(?!a)", "(?>a)", "(?|a)", "(?#a)",
    "(?R)", "(?1)", "(?C1)", "(?(1)a)", "(?x)a", "(?i-)a", "(?i--s)a", "(?i", "(?", "(?P=a)", "(?P>a)", "(?'a'b)",
    "(?P<a", "(?P<a b>c)", "(?P<>c)", r"\Qa", "[\\", "[", "[^", "a{1,2}{3}", "(?i)(?s", "x{0}{1}",
]


def random_text(rand):
    return "".join(rand.choice(list("ab()[]{}|*+?^$.\\-:,12dpQEx<>P=!i#é")) for _ in range(rand.randrange(1, 9)))


def test_bad_regular_expressions_are_refused_in_the_words_of_go(pair):
    rand = random.Random(3)
    patterns = BAD_REGEXPS + [random_text(rand) for _ in range(300)]
    # Named groups written (?<name>...) came to Go after Debian's amtool was built.
    patterns = [pattern for pattern in patterns if "(?<" not in pattern]
    config = f"--config.file={pair.file(HAND_MADE)}"

    def complaint(result):
        text = result.stderr.decode().split("Failed to parse labels: ")[-1].strip()
        return text if "error parsing regexp" in text else "none"

    complaints = []
    questions = [["test", config, f"x=~{classic_quoted(pattern)}"] for pattern in patterns]
    for question, (ours, theirs) in pair.ask_all(questions):
        complaints.append(complaint(theirs))
        assert complaint(ours) == complaint(theirs), question[-1]
        assert ours.returncode == theirs.returncode == 1
    assert len(BAD_REGEXPS) < len(complaints) - complaints.count("none") < len(complaints)
