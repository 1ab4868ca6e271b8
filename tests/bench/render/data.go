// SPDX-License-Identifier: MIT

package main

import (
	"sort"
	"time"
)

// Alertmanager's data, and what ours has beside it.

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

	IsNew                                           bool
	SilenceURL, DashboardURL, PanelURL, ValueString string
}

type Alerts []Alert

type Data struct {
	Receiver          string `json:"receiver"`
	Status            string `json:"status"`
	Alerts            Alerts `json:"alerts"`
	GroupLabels       KV     `json:"groupLabels"`
	CommonLabels      KV     `json:"commonLabels"`
	CommonAnnotations KV     `json:"commonAnnotations"`
	ExternalURL       string `json:"externalURL"`
	TruncatedAlerts   int
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
	names := make([]string, 0, len(pairs))
	for _, pair := range pairs {
		names = append(names, pair.Name)
	}
	return names
}

func (pairs Pairs) Values() []string {
	values := make([]string, 0, len(pairs))
	for _, pair := range pairs {
		values = append(values, pair.Value)
	}
	return values
}

// SortedPairs puts alertname first.
func (kv KV) SortedPairs() Pairs {
	pairs, names := make(Pairs, 0, len(kv)), make([]string, 0, len(kv))
	if value, ok := kv["alertname"]; ok {
		pairs = append(pairs, Pair{"alertname", value})
	}
	for name := range kv {
		if name != "alertname" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		pairs = append(pairs, Pair{name, kv[name]})
	}
	return pairs
}

func (kv KV) Names() []string  { return kv.SortedPairs().Names() }
func (kv KV) Values() []string { return kv.SortedPairs().Values() }

func (kv KV) Remove(names []string) KV {
	left := make(KV, len(kv))
	for name, value := range kv {
		left[name] = value
	}
	for _, name := range names {
		delete(left, name)
	}
	return left
}
