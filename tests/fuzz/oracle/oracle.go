// SPDX-License-Identifier: MIT

// oracle FILE runs a case file with Go's own template packages and says what came of each
// case as tests/conformance/template_outcomes does: name, "ok" or the phase of the error,
// output or error in base64.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	html "html/template"
	"os"
	"path/filepath"
	"strings"
	text "text/template"
	"time"

	"oracle/template"
)

const alertmanagerTemplates = "/usr/share/prometheus/alertmanager/*.tmpl"

type named struct{ Name, Text string }

type testCase struct {
	Name, Mode, TZ, Text, MissingKey string
	Templates                        []named
	Data                             json.RawMessage
}

// set is what text/template and html/template have in common.
type set interface {
	parse(name, text string) error
	execute(name string, data any) ([]byte, error)
}

type textSet struct{ *text.Template }
type htmlSet struct{ *html.Template }

func (s textSet) parse(name, text string) error { _, err := s.New(name).Parse(text); return err }
func (s htmlSet) parse(name, text string) error { _, err := s.New(name).Parse(text); return err }

func (s textSet) execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	err := s.ExecuteTemplate(&out, name, data)
	return out.Bytes(), err
}

func (s htmlSet) execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	err := s.ExecuteTemplate(&out, name, data)
	return out.Bytes(), err
}

func newSet(mode, missing string) set {
	if missing == "" {
		missing = "zero"
	}
	option := "missingkey=" + missing
	if mode == "html" {
		return htmlSet{html.New("oracle root").Option(option).Funcs(html.FuncMap(template.Functions))}
	}
	return textSet{text.New("oracle root").Option(option).Funcs(text.FuncMap(template.Functions))}
}

// languageData turns decoded JSON into the types of a case's data.
func languageData(v any) any {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			real, _ := v.Float64()
			return real
		}
		whole, _ := v.Int64()
		return int(whole)
	case []any:
		for i := range v {
			v[i] = languageData(v[i])
		}
	case map[string]any:
		return languageMap(v)
	}
	return v
}

func languageMap(object map[string]any) any {
	if kv, ok := object["$kv"].(map[string]any); ok {
		labels := map[string]string{}
		for name, value := range kv {
			labels[name] = value.(string)
		}
		return labels
	}
	if list, ok := object["$strings"].([]any); ok {
		texts := []string{}
		for _, item := range list {
			texts = append(texts, item.(string))
		}
		return texts
	}
	for name := range object {
		object[name] = languageData(object[name])
	}
	return object
}

func phaseOf(err error) string {
	var exec text.ExecError
	if errors.As(err, &exec) {
		return "exec"
	}
	return "escape"
}

func runLanguage(c *testCase) ([]byte, string, error) {
	s := newSet(c.Mode, c.MissingKey)
	for _, t := range c.Templates {
		if err := s.parse(t.Name, t.Text); err != nil {
			return nil, "parse", err
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(c.Data))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return nil, "data", err
	}
	out, err := s.execute("main", languageData(data))
	return out, phaseOf(err), err
}

func runAlertmanager(c *testCase, files []named) ([]byte, string, error) {
	s := newSet(c.Mode, "zero")
	for _, f := range append(files, named{"", c.Text}) {
		if err := s.parse(f.Name, f.Text); err != nil {
			return nil, "load", err
		}
	}
	data := &template.Data{}
	if err := json.Unmarshal(c.Data, data); err != nil {
		return nil, "data", err
	}
	out, err := s.execute("", *data)
	return out, phaseOf(err), err
}

func run(c *testCase, files []named) (out []byte, phase string, err error) {
	zone := c.TZ
	if zone == "" {
		zone = "UTC"
	}
	time.Local, _ = time.LoadLocation(zone)
	if c.Templates != nil {
		return runLanguage(c)
	}
	return runAlertmanager(c, files)
}

func readFiles() (files []named) {
	paths, _ := filepath.Glob(alertmanagerTemplates)
	for _, path := range paths {
		bytes, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		files = append(files, named{filepath.Base(path), string(bytes)})
	}
	return files
}

func main() {
	bytes, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var file struct{ Cases []testCase }
	if err := json.Unmarshal(bytes, &file); err != nil {
		panic(err)
	}
	files := readFiles()
	for i := range file.Cases {
		out, phase, err := run(&file.Cases[i], files)
		if err == nil {
			phase = "ok"
		} else {
			out = []byte(err.Error())
		}
		fmt.Printf("%s\t%s\t%s\n", file.Cases[i].Name, phase, base64.StdEncoding.EncodeToString(out))
	}
}
