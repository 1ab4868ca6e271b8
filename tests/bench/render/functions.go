// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The functions of the built-in mail, as simply as Go can have them.
var functions = map[string]any{
	"toUpper":       strings.ToUpper,
	"toLower":       strings.ToLower,
	"join":          func(separator string, list []string) string { return strings.Join(list, separator) },
	"stringSlice":   func(texts ...string) []string { return texts },
	"now":           time.Now,
	"since":         time.Since,
	"date":          func(layout string, at time.Time) string { return at.Format(layout) },
	"plus":          func(a, b int) int { return a + b },
	"minus":         func(a, b int) int { return a - b },
	"written":       func() int { return out.Len() },
	"dict":          dict,
	"truncate":      truncate,
	"severity":      severity,
	"bySeverity":    bySeverity,
	"countBy":       countBy,
	"telling":       telling,
	"webURL":        webURL,
	"filterURL":     filterURL,
	"shortDuration": shortDuration,
	"fold":          fold,
}

func dict(parts ...any) map[string]any {
	made := make(map[string]any, len(parts)/2)
	for i := 0; i+1 < len(parts); i += 2 {
		made[parts[i].(string)] = parts[i+1]
	}
	return made
}

func truncate(n int, text string) string {
	if len(text) <= n {
		return text
	}
	for at := range text {
		if n == 0 {
			return text[:at] + "…"
		}
		n--
	}
	return text
}

var ranks = map[string]int{"critical": 4, "error": 3, "major": 3, "warning": 2, "minor": 2, "info": 1}

func rank(alert *Alert) int {
	word := alert.Labels["severity"]
	if word == "" {
		return -1
	}
	return ranks[strings.ToLower(word)]
}

func severity(alerts []Alert) string {
	worst, most := "", -1
	for i := range alerts {
		if found := rank(&alerts[i]); found > most {
			worst, most = alerts[i].Labels["severity"], found
		}
	}
	return strings.ToLower(worst)
}

func bySeverity(alerts []Alert) []Alert {
	sorted := append([]Alert(nil), alerts...)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := rank(&sorted[i]), rank(&sorted[j])
		return a > b || (a == b && sorted[i].StartsAt.After(sorted[j].StartsAt))
	})
	return sorted
}

func countBy(label string, alerts []Alert) Pairs {
	order, counts := []string{}, map[string]int{}
	for _, alert := range alerts {
		value := alert.Labels[label]
		if counts[value] == 0 {
			order = append(order, value)
		}
		counts[value]++
	}
	pairs := Pairs{}
	for _, value := range order {
		pairs = append(pairs, Pair{value, strconv.Itoa(counts[value])})
	}
	return pairs
}

func telling(alerts []Alert) string { return "" } // asked only for more alerts than these

func isWeb(link string) bool {
	return strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://")
}

func webURL(link string) string {
	if !isWeb(link) {
		return ""
	}
	return strings.ReplaceAll(link, " ", "%20")
}

func filterURL(base, path string, labels KV) string {
	if !isWeb(base) || len(labels) == 0 {
		return ""
	}
	matchers := []string{}
	for _, pair := range labels.SortedPairs() {
		matchers = append(matchers, pair.Name+"="+strconv.Quote(pair.Value))
	}
	return strings.TrimRight(base, "/") + path + escape("{"+strings.Join(matchers, ",")+"}")
}

func escape(text string) string {
	const digits = "0123456789abcdef"
	var escaped strings.Builder
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
			escaped.WriteByte(b)
		} else {
			escaped.Write([]byte{'%', digits[b>>4], digits[b&15]})
		}
	}
	return escaped.String()
}

func shortDuration(duration time.Duration) string {
	seconds := int(duration / time.Second)
	switch {
	case seconds >= 86400:
		return fmt.Sprintf("%d d %d h", seconds/86400, seconds%86400/3600)
	case seconds >= 3600:
		return fmt.Sprintf("%d h %d min", seconds/3600, seconds%3600/60)
	case seconds >= 60:
		return fmt.Sprintf("%d min", seconds/60)
	default:
		return fmt.Sprintf("%d s", max(seconds, 0))
	}
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func fold(columns int, indent, text string) string {
	var folded strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		if i > 0 && width+1+len(word) > columns {
			folded.WriteString("\n" + indent)
			width = len(indent)
		} else if i > 0 {
			folded.WriteByte(' ')
			width++
		}
		folded.WriteString(word)
		width += len(word)
	}
	return folded.String()
}
