// SPDX-License-Identifier: MIT

// Renders a chart as Helm 3's engine does, which is this: Go's text/template, sprig, and the
// functions below.  There is no cluster, so lookup finds nothing, as in `helm template`.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// maxDepth is how deep templates may include each other, as in Helm.
const maxDepth = 1000

type engine struct {
	root  *template.Template
	depth map[string]int
}

func toYAML(value interface{}) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

func toJSON(value interface{}) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

func fromYAML(text string) map[string]interface{} {
	value := map[string]interface{}{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		value["Error"] = err.Error()
	}
	return value
}

func fromYAMLArray(text string) []interface{} {
	value := []interface{}{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		value = []interface{}{err.Error()}
	}
	return value
}

func required(message string, value interface{}) (interface{}, error) {
	if text, isText := value.(string); value == nil || (isText && text == "") {
		return nil, errors.New(message)
	}
	return value, nil
}

func (e *engine) include(name string, data interface{}) (string, error) {
	if e.depth[name] > maxDepth {
		return "", fmt.Errorf("%s includes itself", name)
	}
	e.depth[name]++
	defer func() { e.depth[name]-- }()
	var text strings.Builder
	err := e.root.ExecuteTemplate(&text, name, data)
	return text.String(), err
}

func (e *engine) tpl(text string, data interface{}) (string, error) {
	clone, err := e.root.Clone()
	if err != nil {
		return "", err
	}
	inner := &engine{root: clone, depth: e.depth}
	clone.Funcs(inner.functions())
	parsed, err := clone.New("tpl").Parse(text)
	if err != nil {
		return "", err
	}
	var result bytes.Buffer
	err = parsed.Execute(&result, data)
	return strings.ReplaceAll(result.String(), "<no value>", ""), err
}

func (e *engine) functions() template.FuncMap {
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	helm := template.FuncMap{
		"toYaml": toYAML, "toJson": toJSON, "fromYaml": fromYAML, "fromJson": fromYAML,
		"fromYamlArray": fromYAMLArray, "fromJsonArray": fromYAMLArray,
		"include": e.include, "tpl": e.tpl, "required": required,
		"fail":   func(message string) (string, error) { return "", errors.New(message) },
		"lookup": func(string, string, string, string) map[string]interface{} { return map[string]interface{}{} },
	}
	for name, function := range helm {
		functions[name] = function
	}
	return functions
}

// render gives what each of the files makes; those that begin with _ only define.
func render(files map[string]string, data map[string]interface{}) (map[string]string, error) {
	e := &engine{root: template.New("gotpl").Option("missingkey=zero"), depth: map[string]int{}}
	e.root.Funcs(e.functions())
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := e.root.New(name).Parse(files[name]); err != nil {
			return nil, err
		}
	}
	made := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		data["Template"] = map[string]interface{}{"Name": name, "BasePath": path.Dir(name)}
		var text strings.Builder
		if err := e.root.ExecuteTemplate(&text, name, data); err != nil {
			return nil, err
		}
		made[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	return made, nil
}
