// SPDX-License-Identifier: MIT

// Package template has the data and functions of Alertmanager 0.26 as templates see them,
// in a package of the same name, which printing some values shows. `title` is left out: it
// needs packages that the standard library does not have.
package template

import (
	"errors"
	html "html/template"
	"regexp"
	"sort"
	"strings"
	"time"
)

type Pair struct{ Name, Value string }
type Pairs []Pair
type KV map[string]string

type Alert struct {
	Status       string    `json:"status"`
	Labels       KV        `json:"labels"`
	Annotations  KV        `json:"annotations"`
	StartsAt     time.Time `json:"startsAt"`
	EndsAt       time.Time `json:"endsAt"`
	GeneratorURL string    `json:"generatorURL"`
	Fingerprint  string    `json:"fingerprint"`
}

type Alerts []Alert

type Data struct {
	Receiver           string `json:"receiver"`
	Status             string `json:"status"`
	Alerts             Alerts `json:"alerts"`
	NotificationReason string `json:"notificationReason"`
	GroupLabels        KV     `json:"groupLabels"`
	CommonLabels       KV     `json:"commonLabels"`
	CommonAnnotations  KV     `json:"commonAnnotations"`
	ExternalURL        string `json:"externalURL"`
}

func (alerts Alerts) withStatus(status string) []Alert {
	kept := []Alert{}
	for _, alert := range alerts {
		if alert.Status == status {
			kept = append(kept, alert)
		}
	}
	return kept
}

func (alerts Alerts) Firing() []Alert   { return alerts.withStatus("firing") }
func (alerts Alerts) Resolved() []Alert { return alerts.withStatus("resolved") }

func (pairs Pairs) Names() []string {
	names := []string{}
	for _, pair := range pairs {
		names = append(names, pair.Name)
	}
	return names
}

func (pairs Pairs) Values() []string {
	values := []string{}
	for _, pair := range pairs {
		values = append(values, pair.Value)
	}
	return values
}

// SortedPairs puts alertname first.
func (kv KV) SortedPairs() Pairs {
	pairs := Pairs{}
	for name, value := range kv {
		pairs = append(pairs, Pair{name, value})
	}
	rank := func(name string) string {
		if name == "alertname" {
			return ""
		}
		return " " + name
	}
	sort.Slice(pairs, func(i, j int) bool { return rank(pairs[i].Name) < rank(pairs[j].Name) })
	return pairs
}

func (kv KV) String() string { return kv.SortedPairs().String() }

func (pairs Pairs) String() string {
	texts := []string{}
	for _, pair := range pairs {
		texts = append(texts, pair.Name+"="+pair.Value)
	}
	return strings.Join(texts, ", ")
}

func (kv KV) Names() []string  { return kv.SortedPairs().Names() }
func (kv KV) Values() []string { return kv.SortedPairs().Values() }

func (kv KV) Remove(names []string) KV {
	left := KV{}
	for name, value := range kv {
		left[name] = value
	}
	for _, name := range names {
		delete(left, name)
	}
	return left
}

// Functions are those that both it and the language's own cases use.
var Functions = map[string]any{
	"toUpper":     strings.ToUpper,
	"toLower":     strings.ToLower,
	"join":        func(separator string, list []string) string { return strings.Join(list, separator) },
	"match":       regexp.MatchString,
	"safeHtml":    func(text string) html.HTML { return html.HTML(text) },
	"safeUrl":     func(text string) html.URL { return html.URL(text) },
	"stringSlice": func(texts ...string) []string { return texts },
	"boom":        func() (string, error) { return "", errors.New("boom called") },
	"reReplaceAll": func(pattern, replacement, text string) string {
		return regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
	},
}
