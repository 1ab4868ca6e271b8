# SPDX-License-Identifier: MIT
"""Random templates of Go's template language, and data for them.

A Grammar writes expressions of a wanted type, so that most of what it writes executes; now
and then it takes another type or cuts something off, so that errors are compared too. What
newer Go has and 1.19 has not is left out: `else with`, numbers to range over, meta contents."""

import json

# What a type's members give. Keys of label sets come from KEYS.
MEMBERS = {
    "data": {"Receiver": "string", "Status": "string", "Alerts": "alerts", "GroupLabels": "kv", "CommonLabels": "kv",
             "CommonAnnotations": "kv", "ExternalURL": "string"},
    "alerts": {"Firing": "firing", "Resolved": "firing"},
    "alert": {"Status": "string", "Labels": "kv", "Annotations": "kv", "StartsAt": "time", "EndsAt": "time",
              "GeneratorURL": "string", "Fingerprint": "string"},
    "kv": {"SortedPairs": "pairs", "Names": "strings", "Values": "strings"},
    "pairs": {"Names": "strings", "Values": "strings"},
    "pair": {"Name": "string", "Value": "string"},
    "time": {"Year": "int", "Day": "int", "Hour": "int", "Minute": "int", "Second": "int", "Nanosecond": "int",
             "YearDay": "int", "Unix": "int64", "UnixMilli": "int64", "UnixNano": "int64", "UTC": "time",
             "Local": "time", "String": "string", "IsZero": "bool", "Weekday": "weekday", "Month": "month",
             "IsDST": "bool"},
    "duration": {"Hours": "float", "Minutes": "float", "Seconds": "float", "Milliseconds": "int64",
                 "Nanoseconds": "int64", "String": "string", "Abs": "duration"},
    "weekday": {"String": "string"},
    "month": {"String": "string"},
    # The data of the language's own cases.
    "root": {"s": "string", "t": "string", "u": "string", "i": "int", "j": "int", "f": "float", "b": "bool",
             "l": "list", "li": "ints", "m": "map", "kv": "labels", "ss": "strings", "o": "root2"},
    "root2": {"s": "string", "i": "int", "l": "list", "kv": "labels"},
    "map": {"x": "string", "y": "string", "z": "string"},
}
ELEMENT = {"alerts": "alert", "firing": "alert", "pairs": "pair", "strings": "string", "list": "string",
           "ints": "int", "kv": "string", "labels": "string", "map": "string"}
ORDERED = ("string", "int", "int64", "float")
KEYS = ("alertname", "severity", "instance", "team", "absent")
LAYOUTS = ("2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "Mon Jan _2 15:04:05 MST 2006", "02 Jan 06 15:04 -0700",
           "3:04PM", "Jan _2 15:04:05.000000", "Monday, 02-January-06", ".999 05,000 Z0700 -07 -07:00:00", "002 __2 1 pm", "")
WORDS = ("", "a", "FIRING", "critical", "Disk Full", "node-1:9100", "été", "日本語", "<b>\"x\"</b>", "'q' & `b`",
         "javascript:alert(1)", "https://h.example/p?q=a b&c=d#f", "//h/%zz%41", "mailto:a@b", "a,b  c", "\t\n", "\\",
         "red", "#ff0000", "1px; x:expression(1)", "url(x)", "/*c*/", "</style>", "</title>", "<!-- c -->", "\u2028\ufeff",
         "a\u0301", "🙂", "x=1", "onclick", "href", "50%", "1,234.5e-3", "{{", "&lt;&amp;&#39;", "-->", "[a](b)", "ß İ ǅ")
PATTERNS = ("a", "[a-z]+", "^", "$", "(.)(.)", ".*", "a*", "\\\\d+", "\\\\s", "(?i)DISK", "[^0-9.]", "\\\\bx", "é|語", "(?P<n>.)$",
            "x{2,3}", "[[:alpha:]]", "a??", "\\\\pL")
REPLACEMENTS = ("", "x", "$1", "${1}x", "$1x", "$$", "$n", "<$0>", "${n}", "$")
VERBS = {"string": ("%s", "%q", "%v", "%x", "%X", "%10s", "%-8s|", "%.2s", "%+q", "% x", "%#q", "%5.1v", "%08s", "%#v", "%d"),
         "int": ("%d", "%v", "%5d", "%-5d|", "%05d", "%+d", "%x", "%X", "%#x", "%o", "%O", "%b", "%c", "%q", "%U", "%#U", "% d",
                 "%.3d", "%s", "%e", "%+.5d"),
         "float": ("%f", "%v", "%.2f", "%8.3f", "%e", "%E", "%g", "%G", "%+f", "%08.2f", "%.0f", "%#g", "%d", "%x", "% f", "%b"),
         "bool": ("%t", "%v", "%5t", "%-7t|", "%q", "%d"),
         "strings": ("%v", "%q", "%s", "%d", "%x", "%#v", "%6s"), "duration": ("%v", "%s", "%d", "%10s", "%q"),
         "kv": ("%v", "%s"), "labels": ("%v", "%q", "%s", "%x", "%+v"), "list": ("%v", "%q", "%s", "%d", "%5v"),
         "ints": ("%v", "%d", "%x", "%03d", "%s"), "map": ("%v", "%s", "%q"), "weekday": ("%v", "%d", "%s", "%5d"),
         "month": ("%v", "%02d", "%s", "%x"), "pairs": ("%v", "%s"), "int64": ("%d", "%v", "%x", "%015d"), "time": ("%v", "%s")}
TEXTS = ("a", " b ", "\n", "\t \r\n", "é", "x<y", "a & b", "&amp;", "1 > 2", "\"", "'", "}} ", "{ { ", "日", ".", "#", "%", "\\", "=")
PLAIN_ATTRIBUTES = ("title", "class", "alt", "id", "width", "data-x", "aria-label", "align", "bgcolor", "Lang", "x:title", "value")
URL_ATTRIBUTES = ("href", "src", "action", "cite", "background", "data-src", "formaction", "xmlns:q", "my-uri", "poster")
ELEMENTS = ("p", "a", "b", "div", "td", "span", "table", "h1", "IMG", "x-y", "br", "svg:g", "li")


class Scope:
    """What an expression may use: the dot's type and the variables'."""

    def __init__(self, dot, variables=(), loop=False):
        self.dot, self.variables, self.loop = dot, list(variables), loop

    def inner(self, dot=None, loop=None, more=()):
        return Scope(dot or self.dot, [*self.variables, *more], self.loop if loop is None else loop)


class Grammar:
    def __init__(self, random, root, html, release="newest"):
        self.random, self.root, self.html = random, root, html
        # Only amtool has `title`; 0.25 prints label sets without the String method that came later.
        self.title = release == "0.25"
        self.printed_labels = () if release == "0.25" else ("kv", "pairs")
        self.defined = []  # (name, the dot's type, the context's name)
        self.definitions = []
        self.names = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, percent):
        return self.random.random() * 100 < percent

    # Literals

    def quoted(self, text):
        if "`" not in text and self.chance(20) and "\n" not in text and "\r" not in text:
            return "`" + text + "`"
        out = "".join(self.character(c) for c in text)
        return '"' + out + (self.pick("\\xff", "\\x00", "\\u00e9", "\\101", "\\U0001F642", "\\a\\b\\f\\v") if self.chance(3) else "") + '"'

    @staticmethod
    def character(c):
        return {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(c, c)

    def word(self):
        return self.quoted(self.random.choice(WORDS))

    def integer(self):
        return self.pick("0", "1", "2", "3", "-1", "7", "10", "42", "0x1F", "0b101", "0o17", "1_000", "'a'", "'\\n'", "'é'", "1e3", "-0",
                         "+4", "017", "9223372036854775807", "100", "0x_f", "2.0")

    def real(self):
        return self.pick("1.5", "-0.25", "0.5", "1e-3", "2.5e10", "0x1p-2", "1e100", "3.14159", ".5", "1_0.5", "1.7976931348623157e308",
                         "1e21", "123456789.0625", "1e-7", "0.1")

    # Expressions: operand() can be an argument or be put before a field, pipeline() cannot.

    def operand(self, kind, scope, depth=0):
        if self.chance(1.2):
            kind = self.pick("string", "int", "bool", "nil", "time", "float", "strings")
        path = self.path(kind, scope)
        if path and self.chance(45 if depth < 3 else 85):
            return path
        if depth >= 4 and kind in ("string", "int", "int64", "float", "bool", "nil"):
            return self.literal(kind)
        if depth >= 6 and path:
            return path
        made = self.make(kind, scope, depth + 1)
        if made is None:
            return path or self.literal(kind)
        return made if made[0] in '"`$.' or " " not in made else f"({made})"

    def literal(self, kind):
        if kind == "string":
            return self.word()
        if kind in ("int", "int64"):
            return self.integer()
        if kind == "float":
            return self.real()
        if kind == "bool":
            return self.pick("true", "false")
        return "nil" if kind == "nil" else self.word()

    def path(self, kind, scope):
        """Fields from the dot, the root or a variable that end in KIND; None if there are none."""
        for _ in range(4):  # it may miss them
            found = self.some_path(kind, scope)
            if found is not None:
                return found
        return None

    def some_path(self, kind, scope):
        starts = [(".", scope.dot), ("$", self.root)] + [(name, of) for name, of in scope.variables]
        self.random.shuffle(starts)
        for start, of in starts:
            found = self.steps(kind, of, 0)
            if found is not None:
                if found == "":
                    return start
                return ("" if start == "." else start) + found
        return None

    def steps(self, kind, of, depth):
        if of == kind and (depth == 0 or self.chance(70)):
            return ""
        if depth == 3:
            return None
        members = list(MEMBERS.get(of, {}).items())
        if of in ("kv", "labels"):
            members += [(key, "string") for key in KEYS]
        self.random.shuffle(members)
        for name, gives in members:
            rest = self.steps(kind, gives, depth + 1) if gives != of else None
            if rest is not None:
                return f".{name}{rest}"
        return None

    def make(self, kind, scope, depth):
        maker = getattr(self, f"make_{kind}", None)
        return maker(scope, depth) if maker else None

    def make_string(self, scope, depth):
        def get(of="string"):
            return self.operand(of, scope, depth)
        choice = self.random.randrange(15)
        if choice == 0:
            return self.word()
        if choice in (1, 2):
            return self.formatted(scope, depth)
        if choice == 3:
            arguments = [get(self.pick("string", "int", "float", "bool", "strings")) for _ in range(self.random.randrange(1, 4))]
            return f"{self.pick('print', 'println', 'print')} {' '.join(arguments)}"
        if choice == 4:
            functions = ("toUpper", "toLower", "title") if self.title else ("toUpper", "toLower")
            return f"{self.random.choice(functions)} {get()}"
        if choice == 5:
            return f"join {self.word()} {get('strings')}"
        if choice == 6:
            return f'reReplaceAll "{self.random.choice(PATTERNS)}" {self.quoted(self.random.choice(REPLACEMENTS))} {get()}'
        if choice == 7:
            labels = self.path("kv", scope) or self.path("labels", scope)
            return f'index {labels} "{self.random.choice(KEYS)}"' if labels else self.word()
        if choice == 8:
            return f"slice {self.pick(self.word(), self.quoted('abcdef'), self.quoted('abcdef'))} {self.pick('0', '1', '0 1', '1 1', '0 0')}"
        if choice == 9:
            return f"{self.pick('js', 'print', 'html', 'urlquery')} {get()}"
        if choice == 10:
            time = self.path("time", scope)
            return f"{time if time != '.' else '$'}.Format {self.quoted(self.random.choice(LAYOUTS))}" if time and time != "." else self.word()
        if choice == 11:
            return f"{self.pick('or', 'and')} {get()} {get()}"
        if choice == 12:
            return f"index {get('strings')} 0"
        if choice == 13 and self.html and self.chance(50):
            return f"{self.pick('safeHtml', 'safeHtml')} {get()}"
        return f"{get()} | {self.pick('toUpper', 'toLower', 'print', 'printf ' + self.quoted(self.random.choice(VERBS['string'])))}"

    def formatted(self, scope, depth):
        parts, arguments = [], []
        for _ in range(self.random.randrange(1, 4)):
            kind = self.pick("string", "string", "int", "int", "float", "bool", "strings", "duration", "labels", "list", "ints", "map",
                             "weekday", "month", "int64", "time", *self.printed_labels)
            if kind not in ("string", "int", "float", "bool") and not self.path(kind, scope):
                kind = "string"
            verb = self.random.choice(VERBS[kind])
            argument = self.operand(kind, scope, depth + 1)
            if self.chance(4):
                verb, argument = verb.replace("%", "%*", 1), f"{self.pick('3', '-4', '0')} {argument}"
            parts.append(self.pick("", " ", "x", "%%") + verb)
            arguments.append(argument)
        if self.chance(3):
            self.pick(lambda: arguments.append("1"), arguments.pop, lambda: parts.append("%"), lambda: parts.append("%[1]v"))()
        return f"printf {self.quoted(''.join(parts))} {' '.join(arguments)}".rstrip()

    def make_int(self, scope, depth):
        if self.chance(40):
            return self.integer()
        of = self.pick("string", "strings", "kv", "alerts", "firing", "list", "map", "labels", "pairs")
        path = self.path(of, scope)
        return f"len {path or self.operand('string', scope, depth)}"

    def make_int64(self, scope, depth):
        return self.make_int(scope, depth)

    def make_float(self, scope, depth):
        return self.real()

    def make_bool(self, scope, depth):
        def get(of):
            return self.operand(of, scope, depth)
        choice = self.random.randrange(9)
        if choice == 0:
            return self.pick("true", "false")
        if choice in (1, 2):
            of = self.pick("string", "int", "float", "bool", "string", "string")
            more = f" {get(of)}" if self.chance(15) else ""
            return f"{self.pick('eq', 'eq', 'ne') if not more else 'eq'} {get(of)} {get(of)}{more}"
        if choice in (3, 4):
            of = self.pick("string", "int", "float")
            return f"{self.pick('lt', 'le', 'gt', 'ge')} {get(of)} {get(of)}"
        if choice == 5:
            return f"not {get(self.pick('bool', 'string', 'int', 'strings', 'float'))}"
        if choice == 6:
            return f"{self.pick('and', 'or')} {get('bool')} {get('bool')}{' ' + get('bool') if self.chance(20) else ''}"
        if choice == 7:
            return f'match "{self.random.choice(PATTERNS)}" {get("string")}'
        time = self.path("time", scope)
        return f"{time}.{self.pick('After', 'Before', 'Equal')} {time}" if time and time != "." else "true"

    def make_strings(self, scope, depth):
        labels = self.path("kv", scope)
        if self.chance(20) and labels not in (None, "."):
            return f"{labels}.Names"
        return "stringSlice " + " ".join(self.operand("string", scope, depth) for _ in range(self.random.randrange(1, 4)))

    def make_kv(self, scope, depth):
        path = self.path("kv", scope)
        if path is None or path == ".":
            return None
        return f'{path}.Remove (stringSlice "{self.random.choice(KEYS)}" "alertname")'

    def make_alert(self, scope, depth):
        alerts = self.path("alerts", scope)
        return f"index {alerts} {self.pick('0', '0', '0', '0', '1', 'len')}".replace(" len", f" (len {alerts} | printf \"%.0s0\" | len)") \
            if alerts else None

    def make_time(self, scope, depth):
        time = self.path("time", scope)
        if time is None or time == ".":
            return None
        return self.pick(f"{time}.Add {self.pick('3600000000000', '28800e9', '-1', '1e9')}", f"{time}.UTC", f"{time}.Local",
                         f"{time}.AddDate {self.pick('0', '1', '-1')} {self.pick('0', '13', '-2')} {self.pick('0', '40', '1')}",
                         f"{time}.Truncate 3600000000000", f"{time}.Round 60e9", f"{time}.In {time}.Location")

    def make_duration(self, scope, depth):
        a, b = self.path("time", scope), self.path("time", scope)
        if a is None or b is None or "." in (a, b):
            return None
        return self.pick(f"{a}.Sub {b}", f"({a}.Sub {b}).Truncate 1000000000", f"({a}.Sub {b}).Round 60000000000")

    def make_weekday(self, scope, depth):
        return None

    # Actions

    def anything(self):
        if self.root == "data":
            return self.pick("string", "string", "string", "string", "int", "bool", "float", "time", "duration", "strings", "int64",
                             "weekday", "month", *self.printed_labels)
        return self.pick("string", "string", "string", "string", "int", "bool", "float", "strings", "list", "ints", "map", "labels")

    def delimiters(self, inside):
        left = self.pick("{{", "{{", "{{", "{{ ", "{{- ", "{{-\n")
        right = self.pick("}}", "}}", "}}", " }}", " -}}", "\t-}}")
        return left + inside + right

    def pipeline(self, kind, scope):
        text = self.operand(kind, scope) if self.chance(60) else self.make(kind, scope, 1) or self.operand(kind, scope)
        while kind == "string" and self.chance(15):
            text += " | " + self.pick("toUpper", "toLower", "print", "printf \"%s!\"", "printf \"%q\"", "len", "html", "urlquery", "safeHtml",
                                      "or \"z\"", "and true", "slice \"abc\" 0 | print")
        return text

    def output(self, scope):
        return self.delimiters(self.pipeline(self.anything() if self.chance(50) else "string", scope))

    def new_variable(self):
        self.names += 1
        return f"$v{self.names}"

    def block(self, scope, content, depth):
        """CONTENT(scope, depth) in a branch, a loop or another template."""
        choice = self.random.randrange(12)
        if choice < 4:
            return self.branch(scope, content, depth)
        if choice < 7:
            return self.loop(scope, content, depth)
        if choice == 7:
            kind = self.anything()
            return (self.delimiters(f"with {self.pipeline(kind, scope)}") + content(scope.inner(kind), depth + 1) +
                    (self.delimiters("else") + content(scope, depth + 1) if self.chance(40) else "") + self.delimiters("end"))
        if choice == 8:
            kind, name = self.anything(), self.new_variable()
            used = scope.inner(more=[(name, kind)])
            change = self.delimiters(f"{name} = {self.pipeline(kind, used)}") if self.chance(50) else ""
            return self.delimiters("if true") + self.delimiters(f"{name} := {self.pipeline(kind, scope)}") + content(used, depth + 1) + \
                change + content(used, depth + 1) + self.delimiters("end")
        if choice == 9:
            return self.delimiters("/*" + self.pick(" c ", "\n", "{{ }}", "") + "*/").replace("{{ /*", "{{/*").replace("*/ }}", "*/}}") \
                + content(scope, depth + 1)
        return self.call(scope, content, depth)

    def branch(self, scope, content, depth):
        out = self.delimiters(f"if {self.condition(scope)}") + content(scope, depth + 1)
        while self.chance(20):
            out += self.delimiters(f"else if {self.condition(scope)}") + content(scope, depth + 1)
        if self.chance(50):
            out += self.delimiters("else") + content(scope, depth + 1)
        return out + self.delimiters("end")

    def condition(self, scope):
        if self.chance(10):
            name = self.new_variable()
            return f"{name} := {self.pipeline('bool', scope)}"
        return self.pipeline("bool" if self.chance(60) else self.anything(), scope)

    def loop(self, scope, content, depth):
        paths = {kind: self.path(kind, scope) for kind in ELEMENT}
        kind = self.random.choice([kind for kind in ELEMENT if paths[kind]] or ["strings"])
        over, element = self.operand(kind, scope) if kind == "strings" else paths[kind], ELEMENT[kind]
        variables, head = [], ""
        if self.chance(30):
            name = self.new_variable()
            variables, head = [(name, element)], f"{name} := "
            if self.chance(60):
                index = self.new_variable()
                variables.append((index, "string" if kind in ("kv", "labels", "map") else "int"))
                head = f"{index}, {head}"
        inner = scope.inner(element, True, variables)
        body = content(inner, depth + 1)
        if self.chance(12):
            body += self.delimiters(f"if {self.condition(inner)}") + self.delimiters(self.pick("break", "continue")) + self.delimiters("end")
        if self.chance(12):
            body += content(inner, depth + 1)
        other = self.delimiters("else") + content(scope, depth + 1) if self.chance(20) else ""
        return self.delimiters(f"range {head}{over}") + body + other + self.delimiters("end")

    def call(self, scope, content, depth):
        kind, name = self.anything(), self.new_variable().replace("$v", "t")
        if self.chance(25) and self.definitions:
            known, dot, of = self.random.choice(self.definitions)
            if of == content.__name__:
                return self.delimiters(f'template "{known}" {self.operand(dot, scope)}')
        body = self.defined_body(kind, content, depth)
        self.definitions.append((name, kind, content.__name__))  # now only, so that none calls itself
        if self.chance(30):
            return self.delimiters(f'block "{name}" {self.operand(kind, scope)}') + body + self.delimiters("end")
        self.defined.append(self.delimiters(f'define "{name}"') + body + self.delimiters("end"))
        return self.delimiters(f'template "{name}" {self.operand(kind, scope)}')

    def defined_body(self, kind, content, depth):
        """In another template `$` is what it was called with."""
        root, self.root = self.root, kind
        known, self.anything = self.anything, lambda: self.pick("string", "int", "bool")
        try:
            return content(Scope(kind), depth + 1)
        finally:
            self.root, self.anything = root, known

    # Texts

    def text(self, scope, depth=0):
        out = ""
        for _ in range(self.random.randrange(1, 4)):
            if depth < 3 and self.chance(25):
                out += self.block(scope, self.text, depth)
            elif self.chance(55):
                out += self.output(scope)
            else:
                out += self.random.choice(TEXTS).replace("}}", "}")
        return out

    # HTML, by context

    def markup(self, scope, depth=0):
        out = ""
        for _ in range(self.random.randrange(1, 4)):
            choice = self.random.randrange(100)
            if depth < 3 and choice < 20:
                out += self.block(scope, self.markup, depth)
            elif choice < 62:
                out += self.element(scope, depth)
            elif choice < 82:
                out += self.output(scope)
            elif choice < 90:
                out += self.random.choice(TEXTS).replace("{", "")
            else:
                out += self.special(scope, depth)
        return out

    def special(self, scope, depth):
        choice = self.random.randrange(6)
        if choice == 0:
            return "<!--" + self.pick(" c ", "<p>", self.output(scope), "[if mso]>") + "-->"
        if choice == 1:
            name = self.pick("title", "textarea", "TITLE")
            return f"<{name}>" + self.raw_text(scope, depth) + f"</{name}>"
        if choice in (2, 3):
            return "<style>" + self.css(scope, depth) + "</style>"
        if choice == 4:
            return self.pick("<!DOCTYPE html>", "<!doctype x>", "<br/>", "<?x?>", "</p>", "< p", "<1>", "<a-b:c>")
        return "<script>" + self.pick("", "var x = '<p>';") + "</script>" if self.chance(3) else "<hr>"

    def raw_text(self, scope, depth):
        out = ""
        for _ in range(self.random.randrange(1, 3)):
            out += self.block(scope, self.raw_text, depth) if depth < 3 and self.chance(15) else \
                self.output(scope) if self.chance(60) else self.pick("x", "<b>", "&amp;", "</b>", "<!-- -->")
        return out

    def element(self, scope, depth):
        name = self.random.choice(ELEMENTS)
        attributes = "".join(self.attribute(scope, depth) for _ in range(self.random.randrange(0, 3)))
        body = self.markup(scope, depth + 1) if depth < 2 and self.chance(40) else self.output(scope) if self.chance(50) else ""
        end = f"</{name}>" if self.chance(85) else ""
        return f"<{name}{attributes}{self.pick('', '', '', ' ', ' /')}>{body}{end}"

    def attribute(self, scope, depth):
        blank = self.pick(" ", " ", "\n", "  ")
        choice = self.random.randrange(100)
        if choice < 8 and depth < 3:
            return blank + self.block(scope, self.attribute, depth + 1)
        if choice < 11:
            return blank + self.output(scope) + self.pick("", "=x", '="y"', f'="{self.output(scope)}"')
        if choice < 14:
            return blank + self.pick("checked", "hidden", 'title=""', "id=x")
        if choice < 16:
            return blank + f"data-{self.output(scope)}=x"
        if choice < 45:
            return blank + self.random.choice(PLAIN_ATTRIBUTES) + self.value(scope, depth, self.plain_value)
        if choice < 75:
            return blank + self.random.choice(URL_ATTRIBUTES) + self.value(scope, depth, self.url_value)
        if choice < 90:
            return blank + self.pick("style", "STYLE") + self.value(scope, depth, self.css)
        if choice < 99:
            return blank + self.pick("srcset", "imagesrcset") + self.value(scope, depth, self.srcset_value)
        return blank + "onclick" + self.value(scope, depth, self.plain_value)

    def value(self, scope, depth, content):
        delimiter = self.pick('"', '"', '"', "'", "")
        equals = self.pick("=", "=", "=", " = ", "= ")
        if delimiter == "":
            return equals + (self.output(scope).replace("{{-", "{{").replace("-}}", "}}") if self.chance(70) else
                             self.pick("x", "/p", "red")) + self.pick("", self.output(scope)) + " "
        text = content(scope, depth)
        if self.chance(98):
            text = self.outside_actions(text, delimiter)
        return equals + delimiter + text + delimiter

    @staticmethod
    def outside_actions(text, delimiter):
        """TEXT without DELIMITER, but in its actions."""
        parts, at = [], 0
        while True:
            left = text.find("{{", at)
            if left < 0:
                return "".join(parts) + text[at:].replace(delimiter, "")
            right = text.find("}}", left)
            right = len(text) if right < 0 else right + 2
            parts += [text[at:left].replace(delimiter, ""), text[left:right]]
            at = right

    def plain_value(self, scope, depth):
        return self.pieces(scope, depth, self.plain_value, ("x", " ", "a b", "&amp;", "&#39;", "é", "<", ">", "javascript:", "=", "`"))

    def url_value(self, scope, depth):
        start = self.pick("", "", "/", "https://h/", "?q=", "#", "/p?x=1&amp;y=", "mailto:", "/a b", "javascript:", "&#47;", "h&colon;//x/")
        return start + self.pieces(scope, depth, self.url_value, ("/", "?", "#", "x", "&amp;", "=", "%20", " ", "a&#x3f;", ":"))

    def srcset_value(self, scope, depth):
        return self.pieces(scope, depth, self.srcset_value, ("/a.png 1x", ", ", "/b 200w", " 2x", "x"))

    def css(self, scope, depth):
        return self.pieces(scope, depth, self.css,
                           ("color: ", "; ", "p { a: b } ", "width: 1px; ", "/* c */", "background: url(", ")", "url('/x')", "url(\"/y?z=",
                            "\")", "\\41 ", "'s'", "\"t\"", "font-family: 'x ", "'", "#fff", "a:b;", "// c\n", "@media x { }", "<!-- -->", "&quot;"))

    def pieces(self, scope, depth, content, texts):
        out = ""
        for _ in range(self.random.randrange(1, 4)):
            if depth < 3 and self.chance(15):
                out += self.block(scope, content, depth + 1)
            else:
                out += self.output(scope) if self.chance(50) else self.random.choice(texts)
        return out

    # Whole templates

    def template(self):
        body = self.markup(Scope(self.root)) if self.html else self.text(Scope(self.root))
        body = "".join(self.defined) + body
        if self.chance(3):  # something is missing, or there twice
            at = self.random.randrange(len(body) + 1)
            body = body[:at] + self.pick("", "{{end}}", "{{", "}}", "\"", "<", body[at:at + 3]) + body[at + self.random.randrange(4):]
        return body


# Data

def labels_of(random, keys=KEYS[:4]):
    chosen = [key for key in keys if random.random() < 0.8]
    if random.random() < 0.1:
        chosen.append(random.choice(("Names", "with-dash", "ключ", "SortedPairs")))
    return {key: random.choice(WORDS) for key in chosen}


def moment(random):
    zone = random.choice(("Z", "Z", "Z", "+01:00", "-03:30", "+05:45", "+14:00", "-00:01"))
    fraction = random.choice(("", "", ".5", ".123456789", ".000001", ".120"))
    year = random.choice(("0001", "1899", "1970", "2023", "2024", "2024", "2024", "2038", "9999"))
    day = f"{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    return f"{year}-{day}T{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}{fraction}{zone}"


def alert(random):
    firing = random.random() < 0.6
    return {"status": "firing" if firing else "resolved", "labels": labels_of(random), "annotations": labels_of(random, ("summary", "team")),
            "startsAt": moment(random), "endsAt": "0001-01-01T00:00:00Z" if firing else moment(random),
            "generatorURL": random.choice(WORDS), "fingerprint": f"{random.getrandbits(64):016x}"}


def payload(random):
    return {"receiver": random.choice(WORDS), "status": random.choice(("firing", "resolved")),
            "alerts": [alert(random) for _ in range(random.choice((0, 1, 1, 2, 2, 3)))], "groupLabels": labels_of(random),
            "commonLabels": labels_of(random), "commonAnnotations": labels_of(random), "externalURL": random.choice(WORDS)}


def language_data(random):
    def word():
        return random.choice(WORDS) + (random.choice(("\0", "\x7f", "\x01", "\x85")) if random.random() < 0.03 else "")

    def integer():
        return random.choice((0, 1, 2, -1, 7, 42, 1 << 40, -255))

    def kv():
        return {"$kv": {key: random.choice(WORDS) for key in KEYS[:4] if random.random() < 0.8}}
    return {"s": word(), "t": word(), "u": word(), "i": integer(), "j": integer(), "f": random.choice((0.5, -1.25, 1e-7, 12345678.9, 3.14159)),
            "b": random.random() < 0.5, "l": [word() for _ in range(random.randrange(4))], "li": [integer() for _ in range(random.randrange(4))],
            "m": {key: word() for key in "xyz" if random.random() < 0.8}, "kv": kv(), "ss": {"$strings": [word() for _ in range(random.randrange(4))]},
            "o": {"s": word(), "i": integer(), "l": [word()], "kv": kv()}}


def language_case(random, name):
    html = random.random() < 0.6
    grammar = Grammar(random, "root", html)
    return {"name": name, "mode": "html" if html else "text", "templates": [{"name": "main", "text": grammar.template()}],
            "data": language_data(random)}


def alertmanager_case(random, name, release="newest"):
    html = random.random() < 0.6
    grammar = Grammar(random, "data", html, release)
    return {"name": name, "mode": "html" if html else "text", "text": grammar.template(), "data": payload(random),
            "tz": random.choice(("UTC", "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"))}


def write_cases(path, cases):
    path.write_text(json.dumps({"cases": cases}))
