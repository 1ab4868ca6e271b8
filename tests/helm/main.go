// SPDX-License-Identifier: MIT

// chart-render [FLAG...] CHART: `helm template`, and with -notes the NOTES.txt.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type options struct {
	release, namespace, kubeVersion, apiVersions string
	values, more                                 listFlag
	notes                                        bool
}

type listFlag []string

func (l *listFlag) String() string { return strings.Join(*l, ",") }
func (l *listFlag) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// files is the chart's .Files.
type files map[string]string

func (f files) Get(name string) string { return f[name] }

type apiVersions []string

func (a apiVersions) Has(version string) bool {
	for _, known := range a {
		if known == version {
			return true
		}
	}
	return false
}

func readYAML(name string) (map[string]interface{}, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	value := map[string]interface{}{}
	if err := yaml.UnmarshalStrict(text, &value); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

// merge lays over's values over base's; null takes a default away.
func merge(base, over map[string]interface{}) map[string]interface{} {
	for key, value := range over {
		inner, isMap := value.(map[string]interface{})
		below, wasMap := base[key].(map[string]interface{})
		switch {
		case value == nil:
			delete(base, key)
		case isMap && wasMap:
			base[key] = merge(below, inner)
		default:
			base[key] = value
		}
	}
	return base
}

func readTree(folder, prefix string, into map[string]string) error {
	return filepath.Walk(folder, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		relative, _ := filepath.Rel(folder, name)
		into[filepath.Join(prefix, relative)] = string(text)
		return err
	})
}

func checkSchema(chart string, values map[string]interface{}) error {
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(text), gojsonschema.NewGoLoader(values))
	if err != nil {
		return err
	}
	var found []string
	for _, fault := range result.Errors() {
		found = append(found, "values: "+fault.String())
	}
	if len(found) > 0 {
		sort.Strings(found)
		return errors.New(strings.Join(found, "\n"))
	}
	return nil
}

// capitals makes Chart.yaml's keys what templates call them: appVersion is .Chart.AppVersion.
func capitals(chart map[string]interface{}) map[string]interface{} {
	named := map[string]interface{}{}
	for key, value := range chart {
		named[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return named
}

func load(chart string, o *options) (map[string]interface{}, error) {
	about, err := readYAML(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	values, err := readYAML(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range o.values {
		over, err := readYAML(name)
		if err != nil {
			return nil, err
		}
		values = merge(values, over)
	}
	if err := checkSchema(chart, values); err != nil {
		return nil, err
	}
	inside := files{}
	if err := readTree(filepath.Join(chart, "files"), "files", inside); err != nil {
		return nil, err
	}
	version := strings.Split(strings.TrimPrefix(o.kubeVersion, "v"), ".")
	return map[string]interface{}{
		"Values": values, "Chart": capitals(about), "Files": inside,
		"Release": map[string]interface{}{"Name": o.release, "Namespace": o.namespace, "Service": "Helm",
			"Revision": 1, "IsInstall": true, "IsUpgrade": false},
		"Capabilities": map[string]interface{}{
			"APIVersions": apiVersions(strings.Split(o.apiVersions, ",")),
			"KubeVersion": map[string]interface{}{"Version": o.kubeVersion, "GitVersion": o.kubeVersion,
				"Major": version[0], "Minor": version[1]}},
	}, nil
}

func run(chart string, o *options) error {
	data, err := load(chart, o)
	if err != nil {
		return err
	}
	templates := map[string]string{}
	for _, folder := range append([]string{filepath.Join(chart, "templates")}, o.more...) {
		if err := readTree(folder, filepath.Join(filepath.Base(chart), filepath.Base(folder)), templates); err != nil {
			return err
		}
	}
	made, err := render(templates, data)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(made))
	for name := range made {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		isNotes := filepath.Base(name) == "NOTES.txt"
		switch {
		case isNotes && o.notes:
			fmt.Print(made[name])
		case !isNotes && !o.notes && strings.TrimSpace(made[name]) != "":
			fmt.Printf("---\n# Source: %s\n%s\n", name, strings.Trim(made[name], "\n"))
		}
	}
	return nil
}

func main() {
	o := &options{}
	flag.StringVar(&o.release, "release", "alertpost", "name of the release")
	flag.StringVar(&o.namespace, "namespace", "monitoring", "namespace of the release")
	flag.StringVar(&o.kubeVersion, "kube-version", "v1.33.0", ".Capabilities.KubeVersion")
	flag.StringVar(&o.apiVersions, "api-versions", "", "what .Capabilities.APIVersions has, comma-separated")
	flag.Var(&o.values, "values", "file with values; may be repeated, the last one wins")
	flag.Var(&o.more, "templates", "folder with further templates; may be repeated")
	flag.BoolVar(&o.notes, "notes", false, "print NOTES.txt instead of the manifests")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(filepath.Clean(flag.Arg(0)), o); err != nil {
		fmt.Fprintln(os.Stderr, "chart-render:", err)
		os.Exit(1)
	}
}
